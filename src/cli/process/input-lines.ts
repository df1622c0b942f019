// Lines that come in: from a stream that isn't a terminal, with a bound on each
// (a longer line is reported and skipped), and the one answer that confirms an
// irreversible command. It knows nothing of what other lines mean.
import { withoutByteOrderMark } from '../../lib/index.ts'
import { type CommandIo, writeLines } from './io.ts'

export type InputLine =
  | { readonly is: 'line'; readonly text: string }
  | { readonly is: 'too long'; readonly limitBytes: number }

const lineFeed = 0x0a

/**
 * Yields each line without its line break; what follows the last line feed is a line too, if there is any. A line that is
 * too long is reported as soon as it is, whether it ends or not.
 */
export async function* readLines(
  input: AsyncIterable<Uint8Array | string>,
  options: { readonly maxBytes: number }
): AsyncGenerator<InputLine> {
  const { maxBytes } = options
  let parts: Buffer[] = []
  let size = 0
  let isFirst = true
  const take = (): InputLine => {
    const text = Buffer.concat(parts).toString('utf8').replace(/\r$/u, '')
    const line: InputLine = { is: 'line', text: isFirst ? withoutByteOrderMark(text) : text }
    isFirst = false
    parts = []
    size = 0
    return line
  }
  /** @returns whether the line is too long from now on */
  const add = (bytes: Buffer): boolean => {
    const wasTooLong = size > maxBytes
    size += bytes.length
    if (size <= maxBytes) parts.push(bytes)
    else parts = []
    return size > maxBytes && !wasTooLong
  }
  for await (const chunk of input) {
    let rest = Buffer.from(chunk)
    for (let end = rest.indexOf(lineFeed); end !== -1; end = rest.indexOf(lineFeed)) {
      if (add(rest.subarray(0, end))) yield { is: 'too long', limitBytes: maxBytes }
      rest = rest.subarray(end + 1)
      const isTooLong = size > maxBytes
      const line = take()
      if (!isTooLong) yield line
    }
    if (add(rest)) yield { is: 'too long', limitBytes: maxBytes }
  }
  if (size > 0 && size <= maxBytes) yield take()
}

/** Longest line read from standard input: the text limit of 64 KiB, with every byte written as a JSON \uXXXX escape. */
export const MAX_INPUT_LINE_BYTES = 512 * 1024

/** Longest line typed or pasted on a terminal: twice the text limit; editing costs time with the length of the line. */
export const MAX_TYPED_CHARACTERS = 128 * 1024

/** Commands remembered for the arrow keys. */
export const INPUT_HISTORY_LINES = 200

/** A second Ctrl-C within this time leaves. */
export const INTERRUPT_WINDOW_MS = 3000

/** The answer to a question of `parley forget`: yes, or anything else. */
const MAX_CONFIRMATION_BYTES = 4096

export function canAsk(io: CommandIo): boolean {
  return io.stdin.isTTY === true && io.stdout.isTTY === true
}

/** @param what lines that describe what would be done */
export async function isConfirmed(io: CommandIo, what: readonly string[]): Promise<boolean> {
  writeLines(io.stdout, [...what, 'Type yes to go ahead, anything else to cancel:'])
  const onAbort = (): void => void io.stdin.destroy()
  io.interrupted.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const line of readLines(io.stdin, { maxBytes: MAX_CONFIRMATION_BYTES })) {
      return line.is === 'line' && line.text.trim().toLowerCase() === 'yes'
    }
    return false
  } finally {
    io.interrupted.removeEventListener('abort', onAbort)
    io.interrupted.throwIfAborted()
  }
}
