import { expect, test } from 'vitest'
import { hasWindowTitle } from '../../../src/cli/tui/terminal/tty.ts'
import { windowTitle } from '../../../src/cli/tui/view/window-title.ts'
import { incoming, row } from '../fake-node.ts'
import { TestScreen } from './screen.ts'

test('the title counts what is unread, and what came into the open conversation while nobody looked', () => {
  const screen = TestScreen.ready(80, 24, [row('bob'), row('carl')])
  const came = (name: string): TestScreen =>
    screen.tell({ is: 'message', message: incoming('hello', row(name).peer), name })
  expect(windowTitle(screen.state)).toBe('Parley: anna')
  came('carl')
  expect(windowTitle(screen.state)).toBe('(1) Parley: anna')
  screen.open('bob')
  came('bob')
  expect(windowTitle(screen.state)).toBe('(1) Parley: anna')
  screen.type('\u001b[O')
  came('bob')
  came('bob')
  expect(windowTitle(screen.state)).toBe('(3) Parley: anna')
  screen.type('\u001b[I')
  screen.tell({ is: 'read', peer: row('carl').peer })
  expect(windowTitle(screen.state)).toBe('Parley: anna')
})

test('a console without windows is given no title', () => {
  expect(hasWindowTitle({ TERM: 'xterm-256color' })).toBe(true)
  for (const TERM of ['linux', 'vt100', 'ansi']) expect(hasWindowTitle({ TERM })).toBe(false)
})
