// Where a passphrase comes from: a file descriptor, a credential of systemd, or
// the terminal, which does not echo it. Never an argument or a variable: those
// are there to be read in the list of processes. It knows nothing of what a
// passphrase opens.
import { openSync, read } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as sleep } from 'node:timers/promises'
import { ReadStream } from 'node:tty'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { textOption } from '../options/given-options.ts'
import { runFlagOf } from '../options/option-table.ts'
import { cleanText } from './clean-text.ts'
import { InterruptedError, type CommandIo } from './io.ts'
import { UsageError } from '../../node/settings.ts'
import { errorCode, hasErrorCode, withoutByteOrderMark } from '../../lib/index.ts'

/** Longest passphrase that is typed or given; what the key file takes is less. */
const MAX_GIVEN_PASSPHRASE_BYTES = 4096

/** How often a descriptor that has nothing yet is asked again for the passphrase. */
const PASSPHRASE_FD_POLL_MS = 20

/** A password manager may ask its user first; a wrong number, unreported, would look like a hang. */
const PASSPHRASE_FD_NOTICE_MS = 2_000

/** As in `LoadCredential=parley-passphrase:…` of a unit. */
const credentialName = 'parley-passphrase'
const controllingTerminal = '/dev/tty'
const lineFeed = 0x0a
const readBytes = promisify(read)

/** The options that give a passphrase. */
export type DescriptorOption = 'passphraseFd' | 'newPassphraseFd'

/**
 * The passphrase that was given with the command line or by systemd.
 *
 * @returns undefined when none was
 * @throws UsageError when it was, and can't be read
 */
export async function givenPassphrase(
  io: CommandIo,
  command: Command,
  { option, mayBeCredential }: { readonly option: DescriptorOption; readonly mayBeCredential: boolean }
): Promise<string | undefined> {
  const descriptor = textOption(command, option)
  if (descriptor !== undefined) return fromDescriptor(io, descriptor, runFlagOf(option))
  if (!mayBeCredential) return undefined
  const folder = io.env['CREDENTIALS_DIRECTORY']
  return folder === undefined || folder === '' ? undefined : fromCredential(join(folder, credentialName))
}

async function fromCredential(file: string): Promise<string | undefined> {
  try {
    return firstLine(await readFile(file))
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined
    throw new UsageError(`the credential ${file} can't be read: ${String(error)}`, { cause: error })
  }
}

/** The first line of a descriptor; standard input goes on after it. */
async function fromDescriptor(io: CommandIo, text: string, flag: string): Promise<string> {
  const descriptor = Number(text)
  if (!/^\d{1,5}$/u.test(text)) {
    throw new UsageError(`${flag} ${text}: expected the number of an open file, as in ${flag} 3 3<FILE`)
  }
  if (descriptor === 0) return firstLineOf(io.stdin)
  const parts: Buffer[] = []
  let size = 0
  // A descriptor that nobody opened may be one of Node's own, which never ends.
  const notice = setTimeout(() => {
    io.stderr.write(`parley: waiting for the passphrase on file descriptor ${text} (Ctrl-C ends it)\n`)
  }, PASSPHRASE_FD_NOTICE_MS)
  try {
    for (;;) {
      const chunk = Buffer.alloc(MAX_GIVEN_PASSPHRASE_BYTES)
      const { bytesRead } = await readSoon(descriptor, chunk, io.interrupted)
      if (bytesRead === 0) break
      parts.push(chunk.subarray(0, bytesRead))
      size += bytesRead
      if (chunk.subarray(0, bytesRead).includes(lineFeed) || size > MAX_GIVEN_PASSPHRASE_BYTES) break
    }
  } catch (error) {
    if (io.interrupted.aborted) throw error
    throw new UsageError(
      `${flag} ${text}: no file that can be read is open there (${errorCode(error) ?? String(error)}): open one as in ${flag} 3 3<FILE`,
      { cause: error }
    )
  } finally {
    clearTimeout(notice)
  }
  return firstLine(Buffer.concat(parts))
}

/** The pipe may be non-blocking. */
async function readSoon(
  descriptor: number,
  chunk: Buffer,
  signal: AbortSignal
): Promise<{ readonly bytesRead: number }> {
  for (;;) {
    signal.throwIfAborted()
    try {
      return await readBytes(descriptor, chunk, 0, chunk.length, null)
    } catch (error) {
      if (!hasErrorCode(error, 'EAGAIN')) throw error
      await sleep(PASSPHRASE_FD_POLL_MS, undefined, { signal })
    }
  }
}

/** Takes one line from a stream and leaves the rest in it. */
async function firstLineOf(input: Readable): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of input.iterator({ destroyOnReturn: false })) {
    const chunk = Buffer.from(part)
    const end = chunk.indexOf(lineFeed)
    parts.push(end === -1 ? chunk : chunk.subarray(0, end))
    if (end === -1 && Buffer.concat(parts).length <= MAX_GIVEN_PASSPHRASE_BYTES) continue
    if (end !== -1 && end + 1 < chunk.length) input.unshift(chunk.subarray(end + 1))
    break
  }
  return firstLine(Buffer.concat(parts))
}

/** @throws UsageError when it is too long */
function firstLine(bytes: Buffer): string {
  const end = bytes.indexOf(lineFeed)
  const bare = (end === -1 ? bytes : bytes.subarray(0, end)).toString('utf8').replace(/\r$/u, '')
  const line = withoutByteOrderMark(bare)
  if (Buffer.byteLength(line) > MAX_GIVEN_PASSPHRASE_BYTES) {
    throw new UsageError(`the passphrase that was given has more than ${MAX_GIVEN_PASSPHRASE_BYTES} bytes`)
  }
  return line
}

/** A terminal on which a person can be asked. */
export class PassphraseTerminal {
  readonly #input: TerminalInput
  readonly #output: Writable
  readonly #interrupted: AbortSignal
  readonly #close: () => void

  /**
   * @param options.evenIfPiped also where standard input is none, as in `make | parley send bob -`: the terminal that
   *   the command was started from
   * @returns undefined where there is no terminal
   */
  static find(io: CommandIo, options: { readonly evenIfPiped: boolean }): PassphraseTerminal | undefined {
    const { stdin, stderr, interrupted } = io
    if (stdin.isTTY === true) {
      return new PassphraseTerminal(stdin, stderr, interrupted, () => void stdin.pause())
    }
    // Where standard error is no terminal either, the person who started it sees no question.
    if (!options.evenIfPiped || stderr.isTTY !== true) return undefined
    const input = controllingInput()
    return input === undefined
      ? undefined
      : new PassphraseTerminal(input, stderr, interrupted, () => void input.destroy())
  }

  private constructor(input: TerminalInput, output: Writable, interrupted: AbortSignal, close: () => void) {
    this.#input = input
    this.#output = output
    this.#interrupted = interrupted
    this.#close = close
  }

  /**
   * Asks, and shows nothing of what is typed.
   *
   * @throws InterruptedError after Ctrl-C, or Ctrl-D on an empty line
   */
  async ask(question: string): Promise<string> {
    const editor = new HiddenLine()
    const input = this.#input
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const onChunk = (chunk: Buffer | string): void => {
      const bytes = Buffer.from(chunk)
      for (const [index, byte] of bytes.entries()) {
        const done = editor.take(byte)
        if (done === undefined) continue
        input.off('data', onChunk)
        input.pause()
        // What was typed ahead is for what comes next.
        if (index + 1 < bytes.length) input.unshift(bytes.subarray(index + 1))
        if (done === 'interrupted') reject(new InterruptedError())
        else resolve(editor.text)
        return
      }
    }
    const onEnd = (): void => reject(new InterruptedError())
    const onAbort = (): void => reject(this.#interrupted.reason)
    this.#interrupted.addEventListener('abort', onAbort)
    input.setRawMode?.(true)
    this.#output.write(cleanText(question))
    input.on('data', onChunk).once('end', onEnd).once('close', onEnd)
    input.resume()
    try {
      this.#interrupted.throwIfAborted()
      return await promise
    } finally {
      input.off('data', onChunk).off('end', onEnd).off('close', onEnd)
      this.#interrupted.removeEventListener('abort', onAbort)
      input.setRawMode?.(false)
      this.#output.write('\n')
    }
  }

  /** Says a line where the question stood. */
  say(line: string): void {
    this.#output.write(`${cleanText(line)}\n`)
  }

  /** Leaves the terminal to others. */
  close(): void {
    this.#close()
  }
}

type TerminalInput = Readable & { setRawMode?: (isRaw: boolean) => unknown }

/** @returns undefined for a process that has none, such as a service */
function controllingInput(): TerminalInput | undefined {
  try {
    // When the terminal is closed 'close' follows, which ends the question.
    return new ReadStream(openSync(controllingTerminal, 'r')).on('error', () => undefined)
  } catch {
    return undefined
  }
}

const keys = {
  interrupt: 0x03,
  end: 0x04,
  backspace: 0x08,
  enter: 0x0d,
  clear: 0x15,
  escape: 0x1b,
  delete: 0x7f
} as const

/** A line that is edited unseen, byte by byte as a terminal in raw mode gives them. */
class HiddenLine {
  #characters: string[] = []
  readonly #decoder = new StringDecoder('utf8')
  /** Keys that have no character arrive as an escape sequence, which is skipped. */
  #escape: 'none' | 'begun' | 'within' = 'none'

  get text(): string {
    return this.#characters.join('')
  }

  take(byte: number): 'entered' | 'interrupted' | undefined {
    if (this.#escape !== 'none') {
      this.#skip(byte)
      return undefined
    }
    switch (byte) {
      case keys.enter:
      case lineFeed:
        return 'entered'
      case keys.interrupt:
        return 'interrupted'
      case keys.end:
        return this.#characters.length === 0 ? 'interrupted' : undefined
      case keys.backspace:
      case keys.delete:
        this.#characters.pop()
        return undefined
      case keys.clear:
        this.#characters = []
        return undefined
      case keys.escape:
        this.#escape = 'begun'
        return undefined
    }
    if (byte < 0x20) return undefined
    if (this.#characters.length <= MAX_GIVEN_PASSPHRASE_BYTES)
      this.#characters.push(...this.#decoder.write(Buffer.of(byte)))
    return undefined
  }

  /** ESC [ … letter, ESC O letter, or ESC and one byte. */
  #skip(byte: number): void {
    if (this.#escape === 'begun') this.#escape = byte === 0x5b || byte === 0x4f ? 'within' : 'none'
    else if (byte >= 0x40 && byte <= 0x7e) this.#escape = 'none'
  }
}
