// The JSON lines of a profile whose key is locked: one command, `unlock`, and a
// reason for every other. It never writes what it reads, which may be a
// passphrase.
import type { Readable, Writable } from 'node:stream'
import { escapedJson } from '../process/clean-text.ts'
import { MAX_INPUT_LINE_BYTES } from '../process/input-lines.ts'
import { writeLines } from '../process/io.ts'
import { exitCodes, ParleyError, shortId, type LockedIdentity } from '../../node/settings.ts'
import { jsonFaceVersion } from './event-json.ts'
import { readEnvelope, type Envelope } from './json-command.ts'
import { parseJson, withoutByteOrderMark, type Json } from '../../lib/index.ts'

export interface LockedFaceInit {
  readonly locked: Pick<LockedIdentity, 'owner' | 'profile' | 'peer'>
  readonly input: Readable
  readonly output: Writable
  /** The face of another process: it ends with the lock. */
  readonly isGuest: boolean
  /** @throws WrongPassphraseError */
  readonly unlock: (passphrase: string) => Promise<void>
}

type LockedOutcome = 'unlocked' | 'quit' | 'end of input' | 'interrupted'

const lineFeed = 0x0a

export class LockedFace {
  readonly #init: LockedFaceInit
  readonly #outcome = Promise.withResolvers<LockedOutcome>()
  /** The beginning of a line that has not come to its end. */
  #rest: Buffer = Buffer.alloc(0)
  #isOver = false
  /** Commands are carried out one after the other. */
  #answering: Promise<void> = Promise.resolve()

  constructor(init: LockedFaceInit) {
    this.#init = init
  }

  /**
   * Answers until the key is unlocked, here or elsewhere, or the input ends. After that the input is as it was left:
   * what follows the last command is still in it.
   */
  async run(): Promise<LockedOutcome> {
    const { input, locked, isGuest } = this.#init
    const { profile, peer } = locked
    this.#write({ event: 'locked', version: jsonFaceVersion, profile, peer, shortId: shortId(peer) })
    const onChunk = (chunk: Buffer | string): void => this.#take(Buffer.from(chunk))
    const onEnd = (): void => void this.#answering.then(() => this.#end('end of input'))
    input.on('data', onChunk).once('end', onEnd).once('close', onEnd)
    const outcome = await this.#outcome.promise
    input.off('data', onChunk).off('end', onEnd).off('close', onEnd)
    input.pause()
    if (isGuest || outcome !== 'unlocked') this.#write({ event: 'bye', reason: outcome })
    if (this.#rest.length > 0 && !input.readableEnded && !input.destroyed) input.unshift(this.#rest)
    return outcome
  }

  /** The key was unlocked, perhaps by another. */
  unlocked(): void {
    void this.#answering.then(() => {
      if (!this.#isOver) this.#write({ event: 'unlocked' })
      this.#end('unlocked')
    })
  }

  interrupt(): void {
    this.#end('interrupted')
  }

  #end(outcome: LockedOutcome): void {
    this.#isOver = true
    this.#outcome.resolve(outcome)
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    this.#answering = this.#answering.then(async () => this.#answerLines())
  }

  async #answerLines(): Promise<void> {
    while (!this.#isOver) {
      const end = this.#rest.indexOf(lineFeed)
      if (end === -1) {
        if (this.#rest.length > MAX_INPUT_LINE_BYTES) this.#refuseLongLine()
        return
      }
      const line = withoutByteOrderMark(this.#rest.subarray(0, end).toString('utf8'))
      this.#rest = this.#rest.subarray(end + 1)
      if (line.trim() !== '') await this.#answer(line)
    }
  }

  /** Far longer than any passphrase; the connection ends with it. */
  #refuseLongLine(): void {
    const message = `a line may have ${MAX_INPUT_LINE_BYTES} bytes`
    this.#rest = Buffer.alloc(0)
    this.#write({ event: 'error', code: 'line-too-long', message })
    this.#end('quit')
  }

  async #answer(line: string): Promise<void> {
    const fields = parseJson(line)
    if (fields === undefined) {
      this.#write({
        event: 'error',
        code: 'bad-json',
        message: 'a command is one JSON object, such as {"do":"unlock"}'
      })
      return
    }
    const envelope = readEnvelope(fields)
    if (envelope.do === 'quit') {
      this.#write({ event: 'done', ...envelope })
      this.#end('quit')
    } else if (envelope.do !== 'unlock') {
      const message = `the key of ${this.#init.locked.owner} is locked: {"do":"unlock","passphrase":"…"} or parley unlock opens it`
      this.#write({ event: 'error', ...envelope, code: 'key-locked', message, exitCode: exitCodes.locked })
    } else if (typeof fields['passphrase'] === 'string') await this.#unlock(envelope, fields['passphrase'])
    else this.#write({ event: 'error', ...envelope, code: 'bad-arguments', message: '"passphrase" must be a string' })
  }

  async #unlock(envelope: Envelope, passphrase: string): Promise<void> {
    try {
      await this.#init.unlock(passphrase)
      this.#write({ event: 'done', ...envelope })
      this.#write({ event: 'unlocked' })
      this.#end('unlocked')
    } catch (error) {
      const isForeseen = error instanceof ParleyError
      const code = isForeseen && error.exitCode === exitCodes.wrongPassphrase ? 'wrong-passphrase' : 'unexpected'
      const message = isForeseen ? error.message : 'the key file can’t be used'
      this.#write({ event: 'error', ...envelope, code, message, ...(isForeseen ? { exitCode: error.exitCode } : {}) })
    }
  }

  #write(json: Json): void {
    const { output } = this.#init
    if (!output.destroyed) writeLines(output, [escapedJson(json)])
  }
}
