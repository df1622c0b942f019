// The full-screen face, and whether there is a terminal for it.
import type { Readable, Writable } from 'node:stream'
import { ReadStream, WriteStream } from 'node:tty'

export { FullScreenFace } from './full-screen-face.ts'

export interface WholeTerminal {
  readonly input: ReadStream
  readonly output: WriteStream
}

/** Both ends of a terminal that can be drawn on; undefined for a pipe and for one that only prints. */
export function wholeTerminal(input: Readable, output: Writable, env: NodeJS.ProcessEnv): WholeTerminal | undefined {
  const term = env['TERM'] ?? ''
  if (!(input instanceof ReadStream && output instanceof WriteStream)) return undefined
  return input.isTTY && output.isTTY && term !== 'dumb' && term !== '' ? { input, output } : undefined
}
