// At `Port: `, before a directory starts.
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { askPort } from '../../../src/cli/commands/directory.ts'
import { eventually } from '../../eventually.ts'

/** A prompt at which Enter was not pressed yet; `free` is what is free when it is looked for, one after the other. */
async function prompt(
  free: readonly (number | undefined)[],
  pagePort?: number
): Promise<{
  readonly port: Promise<number | undefined>
  readonly type: (line: string) => void
  readonly shows: (text: string) => Promise<void>
}> {
  const stdin = new PassThrough()
  const stdout = new PassThrough({ encoding: 'utf8' })
  let shown = ''
  stdout.on('data', (text: string) => (shown += text))
  const io = {
    stdin,
    stdout,
    stderr: new PassThrough(),
    env: {},
    interrupted: new AbortController().signal,
    surviveOutputFailure: () => undefined
  }
  const answers = free.values()
  const port = askPort(io, async () => answers.next().value, pagePort)
  const shows = async (text: string): Promise<void> => eventually(() => expect(shown).toContain(text))
  await shows('Port')
  return { port, type: (line) => void stdin.write(`${line}\n`), shows }
}

test('Enter takes the port that is offered', async () => {
  const { port, type, shows } = await prompt([8000, 8000])
  await shows('Port (Enter for 8000): ')
  type('')
  expect(await port).toBe(8000)
})

test('Enter offers the next port when another directory has taken the one that was offered', async () => {
  const { port, type, shows } = await prompt([8000, 8001, 8002, 8002])
  type('')
  await shows('8000 was taken in the meantime.\nPort (Enter for 8001): ')
  type('')
  await shows('8001 was taken in the meantime.\nPort (Enter for 8002): ')
  type('')
  expect(await port).toBe(8002)
})

test('when all are taken a port has to be typed', async () => {
  const { port, type, shows } = await prompt([8000, undefined])
  type('')
  await shows('8000 was taken in the meantime.\nPort: ')
  type('')
  await shows('A port is a number from 1 to 65535.\nPort: ')
  type('9000')
  expect(await port).toBe(9000)
})

test('the port of the page is refused, and QUIT ends the prompt', async () => {
  const { port, type, shows } = await prompt([8000], 8080)
  type('8080')
  await shows('8080 is the port of the page.')
  type('QUIT')
  expect(await port).toBeUndefined()
})
