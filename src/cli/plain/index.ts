// The plain face, and the terminal or pipe that it talks through.
import type { Readable, Writable } from 'node:stream'
import { WriteStream } from 'node:tty'
import { Pipe } from './pipe.ts'
import { Screen } from './screen.ts'
import type { PlainTerminal } from './terminal.ts'

export { PlainFace } from './plain-face.ts'

/** A line editor where both ends are a terminal that understands it, lines otherwise. */
export function plainTerminal(
  input: Readable & { readonly isTTY?: boolean },
  output: Writable,
  env: NodeJS.ProcessEnv
): PlainTerminal {
  const canEdit = input.isTTY === true && output instanceof WriteStream && output.isTTY && env['TERM'] !== 'dumb'
  return canEdit ? new Screen(input, output) : new Pipe(input, output)
}
