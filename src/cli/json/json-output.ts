// JSON lines to a reader that may be slow, or not read at all: answers and events
// in their order, and never more waiting than a bound. Messages wait in the
// history and not here: they are read a page at a time, as the reader takes them.
// It ends nothing, and only a caller that awaits an answer waits for the reader.
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { escapedJson } from '../process/clean-text.ts'

/** Events that may wait for a reader of JSON lines; more are left out and counted. Messages wait in the history. */
const MAX_WAITING_EVENT_BYTES = 4 * 1024 * 1024

/** Characters of messages in one write, and in one turn of the event loop: 2 ms where each of them is escaped. */
const WRITE_CHARACTERS = 64 * 1024

/** What a write takes beside its characters, in characters: each is a call of the system. */
const WRITE_COST_CHARACTERS = 1024

type Json = Readonly<Record<string, unknown>>

/** What a waiting event takes beside its line. */
const ENTRY_OVERHEAD_BYTES = 128

type Entry =
  | { readonly is: 'event'; readonly line: string }
  /** The messages after those written last, of so many that were told: they are read from the history when it is their turn. */
  | { readonly is: 'messages'; readonly told: number }
  | { readonly is: 'answer'; readonly line: string; readonly taken: () => void }

export interface JsonOutputInit {
  readonly stream: Writable
  /** The next messages as events; empty when there are none. Called again only when the ones before are written. */
  readonly nextMessages: () => Promise<readonly Json[]>
  /** Ends all waiting. */
  readonly signal: AbortSignal
}

export class JsonOutput {
  readonly #init: JsonOutputInit
  readonly #waiting: Entry[] = []
  /** Of the events that wait. */
  #bytes = 0
  /** By name, how many events were dropped since the last report of it. */
  #dropped = new Map<string, number>()
  /** How often new messages were told, and up to which of these times all have been read. */
  #told = 0
  #read = 0
  /** Since the last turn of the event loop. */
  #charactersThisTurn = 0
  #begun = false
  #isWriting = false
  #running: Promise<void> = Promise.resolve()

  constructor(init: JsonOutputInit) {
    this.#init = init
  }

  /** Writes this first; events that came before it follow. */
  async begin(ready: Json): Promise<void> {
    const taken = Promise.withResolvers<void>()
    this.#waiting.unshift({ is: 'answer', line: lineOf(ready), taken: taken.resolve })
    this.#begun = true
    this.#run()
    await taken.promise
  }

  /** Left out, and counted, when too much waits already. */
  event(event: Json & { readonly event: string }): void {
    if (this.#bytes > MAX_WAITING_EVENT_BYTES) {
      this.#dropped.set(event.event, (this.#dropped.get(event.event) ?? 0) + 1)
      return
    }
    this.#tellDropped()
    this.#addEvent(event)
  }

  /** There are new messages in the history. */
  messages(): void {
    const told = ++this.#told
    const last = this.#waiting.at(-1)
    if (last?.is === 'messages') this.#waiting[this.#waiting.length - 1] = { is: 'messages', told }
    else this.#waiting.push({ is: 'messages', told })
    this.#run()
  }

  /** Resolves when the reader has taken it, and all before it: it is waited for, and not counted as waiting. */
  async answer(answer: Json): Promise<void> {
    const taken = Promise.withResolvers<void>()
    this.#waiting.push({ is: 'answer', line: lineOf(answer), taken: taken.resolve })
    this.#run()
    await taken.promise
  }

  /** The last line. When waiting was ended what can be written is, whether it is read or not. */
  async end(bye: Json): Promise<void> {
    await this.answer(bye)
    await this.#running
    for (const entry of this.#waiting.splice(0)) if (entry.is !== 'messages') this.#init.stream.write(entry.line)
  }

  #addEvent(event: Json): void {
    const line = lineOf(event)
    this.#bytes += line.length + ENTRY_OVERHEAD_BYTES
    this.#waiting.push({ is: 'event', line })
    this.#run()
  }

  /** Reports in their place how many events were dropped. */
  #tellDropped(): void {
    if (this.#dropped.size === 0) return
    const events = Object.fromEntries(this.#dropped)
    this.#dropped = new Map()
    this.#addEvent({ event: 'dropped', events })
  }

  #run(): void {
    if (!this.#begun || this.#isWriting) return
    this.#isWriting = true
    this.#running = this.#write().finally(() => {
      this.#isWriting = false
      if (this.#waiting.length > 0 && !this.#init.signal.aborted) this.#run()
    })
  }

  async #write(): Promise<void> {
    const { signal } = this.#init
    while (!signal.aborted) {
      if (this.#bytes === 0) this.#tellDropped()
      const entry = this.#waiting.shift()
      if (entry === undefined) return
      switch (entry.is) {
        case 'messages':
          // What a read for an earlier one has found is written already.
          if (entry.told > this.#read) await this.#writeMessages()
          break
        case 'event':
          this.#bytes -= entry.line.length + ENTRY_OVERHEAD_BYTES
          await this.#writeLine(entry.line)
          break
        case 'answer':
          await this.#writeLine(entry.line)
          entry.taken()
      }
    }
    for (const entry of this.#waiting) if (entry.is === 'answer') entry.taken()
  }

  async #writeMessages(): Promise<void> {
    while (!this.#init.signal.aborted && !this.#init.stream.destroyed) {
      const told = this.#told
      const messages = await this.#init.nextMessages()
      if (messages.length === 0) {
        this.#read = told
        return
      }
      let lines = ''
      for (const [index, message] of messages.entries()) {
        lines += lineOf(message)
        if (lines.length < WRITE_CHARACTERS && index < messages.length - 1) continue
        // Each write is a call of the system, which takes longer than a short line does.
        await this.#writeLine(lines)
        lines = ''
        // A reader that takes everything at once must not keep the node from its other work.
        await this.#turn()
      }
    }
  }

  /** Resolves when there is room for more. */
  async #writeLine(line: string): Promise<void> {
    const { stream, signal } = this.#init
    if (stream.destroyed || signal.aborted) return
    if (!stream.write(line)) await once(stream, 'drain', { signal }).catch(() => undefined)
    this.#charactersThisTurn += line.length + WRITE_COST_CHARACTERS
    if (this.#charactersThisTurn >= WRITE_CHARACTERS) await this.#turn()
  }

  async #turn(): Promise<void> {
    await turn()
    this.#charactersThisTurn = 0
  }
}

function lineOf(json: Json): string {
  return `${escapedJson(json)}\n`
}
