// Standard output and standard error as this process owns them: a terminal that nothing drains does not block the
// process, a write to a file is complete or fails with a reason, and a reader that has ended is no failed write.
// It knows no commands, and decides nothing about what follows.
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants as system } from 'node:os'
import type { Writable } from 'node:stream'
import { WriteStream } from 'node:tty'
import { errorCode } from '../../lib/index.ts'
import { exitCodes, ParleyError } from '../../node/settings.ts'

/** A terminal that can't be opened anew is asked this often whether it takes more: a person notices half a second. */
const TERMINAL_RETRY_MS = 20

/** The output could not be written: the disk is full, for example. `code` is the system's, such as ENOSPC. */
export class OutputFailedError extends ParleyError {
  override readonly name = 'OutputFailedError'
  override readonly exitCode = exitCodes.storage
  readonly code: string

  constructor(cause: Error) {
    const code = codeOf(cause)
    super(`the output can't be written: ${failureTexts.get(code) ?? cause.message}`, { cause })
    this.code = code
  }
}

const failureTexts: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'the disk is full (ENOSPC), make room on it'],
  ['EDQUOT', 'the quota on the disk is used up (EDQUOT), make room on it'],
  ['EFBIG', 'the file may not grow any more (EFBIG), write to another one'],
  ['EIO', 'an input/output error (EIO), check the disk or write to another one']
])

/** Receives the ends and failures of an output. */
export interface OutputEvents {
  /** What read the pipe has ended: `head` has seen enough. */
  readonly onReaderGone: () => void
  /** The terminal was closed. */
  readonly onHangUp: () => void
  /** The first write that failed; the next one may succeed, and one after that is reported again. */
  readonly onFailed: (error: OutputFailedError) => void
}

/** Files whose last write failed, or wrote a part of it only. */
const failing = new WeakSet<Writable>()

/** Makes `stream`, which Node has made for the descriptor, behave as above. Call it once for a stream. */
export function ownOutput(stream: Writable, fd: 1 | 2, { onReaderGone, onHangUp, onFailed }: OutputEvents): void {
  const isTerminal = stream instanceof WriteStream
  if (isTerminal) keepFromBlocking(stream, fd)
  else if (!(stream instanceof Socket)) {
    const file = new DescriptorWriter(fd, (error) => {
      const isFirst = !failing.has(stream)
      failing.add(stream)
      if (isFirst) onFailed(new OutputFailedError(error))
    })
    file.take(stream, () => failing.delete(stream))
  }
  stream.on('error', (error) => {
    const code = codeOf(error)
    if (code === 'EPIPE' || code === 'ECONNRESET') onReaderGone()
    else if (isTerminal) onHangUp()
    else onFailed(new OutputFailedError(error))
  })
}

/** Whether the last write to this stream, a file, failed. */
export function isFailing(stream: Writable): boolean {
  return failing.has(stream)
}

/**
 * Node sets terminals to blocking writes (`tty.WriteStream`). libuv has opened the terminal anew before, so that its
 * flags are this process's own: no other process that writes there sees a difference.
 */
function keepFromBlocking(stream: Writable, fd: number): void {
  const handle: unknown = Reflect.get(stream, '_handle')
  // On Windows writes to a terminal return when they are done.
  if (process.platform === 'win32' || !isTerminalHandle(handle)) return
  handle.setBlocking(false)
  // A terminal of another user (after `su`) or of another container can't be opened anew, and libuv would retry in a
  // busy loop. Node sets the shared flag for its standard input too, and takes it back at the exit.
  if (handle.fd === fd) new DescriptorWriter(fd, undefined).take(stream, () => undefined)
}

function isTerminalHandle(
  handle: unknown
): handle is { readonly fd: number; setBlocking(isBlocking: boolean): unknown } {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    'setBlocking' in handle &&
    typeof handle.setBlocking === 'function' &&
    'fd' in handle &&
    typeof handle.fd === 'number'
  )
}

/** Writes to a descriptor until all is written; Node's own stream for files reports no write that was cut short. */
class DescriptorWriter {
  readonly #fd: number
  readonly #onFailed: ((error: Error) => void) | undefined
  /** A failed write has left the beginning of a line. */
  #isInLine = false

  /** @param onFailed takes an error in place of the stream, which would take no writes after it */
  constructor(fd: number, onFailed: ((error: Error) => void) | undefined) {
    this.#fd = fd
    this.#onFailed = onFailed
  }

  /** Takes over the writes of a stream. */
  take(stream: Writable, onWritten: () => void): void {
    const write: Writable['_write'] = (chunk: string | Buffer, encoding, done) => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
      this.#write(this.#isInLine ? Buffer.concat([lineFeed, bytes]) : bytes, onWritten, done)
    }
    Object.assign(stream, { _write: write, _writev: undefined })
  }

  #write(bytes: Buffer, onWritten: () => void, done: (error?: Error) => void): void {
    let written = 0
    try {
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written)
      this.#isInLine = false
      onWritten()
      done()
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error))
      if (codeOf(failure) === 'EAGAIN') {
        setTimeout(() => this.#write(bytes.subarray(written), onWritten, done), TERMINAL_RETRY_MS)
      } else if (this.#onFailed === undefined) done(failure)
      else {
        if (written > 0) this.#isInLine = bytes[written - 1] !== lineFeed[0]
        this.#onFailed(failure)
        done()
      }
    }
  }
}

const lineFeed = Buffer.from('\n')

function codeOf(error: Error): string {
  // libuv has no name for EDQUOT.
  if ('errno' in error && error.errno === -system.errno.EDQUOT) return 'EDQUOT'
  return errorCode(error) ?? ''
}
