// A program that has taken the terminal over and then fails where nobody catches
// it: run in a terminal by the tests, to see that the terminal is given back.
import { Tty } from '../../src/cli/tui/terminal/tty.ts'

const { stdin: input, stdout: output } = process
const nothing = (): void => undefined
const tty = new Tty({
  input,
  output,
  hasTitle: true,
  onInput: nothing,
  onResize: nothing,
  onLost: nothing,
  onEnd: nothing
})
tty.begin()
tty.write('the whole screen')
setTimeout(() => {
  throw new Error('nobody has foreseen this')
}, 300)
