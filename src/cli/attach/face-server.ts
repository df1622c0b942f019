// One face that is attached to this node over a stream: it is given the snapshot
// and then every event, and its calls are carried out. One that reads slowly
// loses events, never the node's memory, and is given the whole snapshot when it
// reads on. Its end is the end of nothing else.
import type { Duplex } from 'node:stream'
import { Wakeup } from '../../lib/index.ts'
import type { ChatApi, ChatNodeEvents, NewsReader } from '../chat-api/chat-api.ts'
import { readLines } from '../process/input-lines.ts'
import { faceOf, type ConversationScreens } from '../chat-api/conversation-screens.ts'
import { carryOut, WAITING_METHODS } from './face-calls.ts'
import {
  errorFields,
  FACE_PROTOCOL_VERSION,
  heard,
  FACE_HELLO_TIMEOUT_MS,
  lineOf,
  MAX_CALLS_AT_ONCE,
  MAX_FACE_BACKLOG_BYTES,
  MAX_FACE_LINE_BYTES,
  MAX_VIEWS,
  MAX_WAITING_CALLS,
  readMessage,
  ROWS_IN_LINE,
  SILENCE_MS,
  STUCK_MS,
  WHOLE_PARTS,
  type NodeHello,
  type ToFace,
  type WholePart
} from './face-protocol.ts'

/** Every event of a node. That a face has lost some is for the face itself to find out. */
const eventTypes: readonly Exclude<keyof ChatNodeEvents, 'resumed'>[] = [
  'snapshot',
  'read',
  'forgotten',
  'expired',
  'self',
  'roster',
  'directory',
  'contact',
  'message',
  'request',
  'sent',
  'delivery',
  'refused',
  'conversation',
  'path',
  'entered',
  'typing',
  'left',
  'invitation',
  'transfer',
  'share',
  'found',
  'notice'
]

/** Parts of the snapshot that an event makes another one. */
const partsOfEvents: Partial<Record<keyof ChatNodeEvents, readonly WholePart[]>> = {
  self: ['self'],
  directory: ['directories'],
  contact: ['contacts']
}

export interface FaceServerInit {
  readonly node: ChatApi
  readonly stream: Duplex
  readonly screens: ConversationScreens
  /** Recognises the IDs of peers. */
  readonly isPeer: (text: string) => boolean
  /** What the node says of itself. */
  readonly hello: NodeHello
  /** The face has said hello, and is served from now on; or a person has turned to it, or away. */
  readonly onAttended?: (isAttended: boolean) => void
}

export class FaceServer {
  readonly #init: FaceServerInit
  /** The node as this face uses it. */
  readonly #node: ChatApi
  readonly #life = new AbortController()
  readonly #unsubscribe: (() => void)[] = []
  readonly #calls = new Map<number, AbortController>()
  readonly #readers = new Map<number, NewsReader>()
  /** What the face knows of each peer, as JSON; the one that was named longest ago first. */
  readonly #views = new Map<string, string>()
  /** Calls that are not waiting for something to happen. */
  #busyCalls = 0
  /** Something has ended, or was read by the face. */
  readonly #moved = new Wakeup()
  /** Events were dropped since the face last read. */
  #isBehind = false
  /** Since when nothing has come from the face. */
  #silentSinceMs = performance.now()

  constructor(init: FaceServerInit) {
    this.#init = init
    this.#node = faceOf(init.node, init.screens)
  }

  /** Serves the face until it hangs up, or {@link end}. */
  async run(): Promise<void> {
    const { stream, hello, screens } = this.#init
    stream.on('error', () => undefined) // the end of the lines reports it
    stream.once('close', () => this.#life.abort())
    stream.on('drain', () => this.#moved.wake())
    const greeting = setTimeout(() => stream.destroy(), FACE_HELLO_TIMEOUT_MS)
    this.#life.signal.addEventListener('abort', () => clearTimeout(greeting), { once: true })
    this.#write(hello)
    try {
      await this.#serve(() => clearTimeout(greeting))
    } catch (error) {
      if (!this.#life.signal.aborted) throw error
    } finally {
      this.#life.abort()
      for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
      for (const call of this.#calls.values()) call.abort()
      for (const reader of this.#readers.values()) reader.close()
      await screens.close()
    }
  }

  /** The node ends. */
  end(): void {
    this.#write({ is: 'end' })
    this.#life.abort()
    this.#init.stream.end()
  }

  async #serve(onGreeted: () => void): Promise<void> {
    const chunks = heard(this.#init.stream, () => (this.#silentSinceMs = performance.now()))
    const lines = readLines(chunks, { maxBytes: MAX_FACE_LINE_BYTES })
    let isGreeted = false
    for await (const line of lines) {
      const message = line.is === 'line' ? readMessage(line.text) : undefined
      if (message === undefined) return // no face of ours writes that
      if (!isGreeted) {
        if (message['protocol'] !== FACE_PROTOCOL_VERSION)
          return this.#write({ is: 'refusal', reason: 'other-version' })
        isGreeted = true
        onGreeted()
        this.#init.onAttended?.(message['isAttended'] === true)
        this.#watchSilence()
        this.#listen()
        this.#writeSnapshot()
        continue
      }
      if (!this.#take(message)) return
      while (this.#isFull() && !this.#life.signal.aborted) await this.#moved.sleep(this.#life.signal)
    }
  }

  /** @returns whether it is what a face of ours would write */
  #take(message: Readonly<Record<string, unknown>>): boolean {
    const { is, id, method, args, isAttended } = message
    if (is === 'ping') {
      this.#write({ is: 'pong' })
      return true
    }
    if (is === 'attended' && typeof isAttended === 'boolean') {
      this.#init.onAttended?.(isAttended)
      return true
    }
    if (typeof id !== 'number') return false
    if (is === 'abort') {
      this.#calls.get(id)?.abort()
      return true
    }
    if (is !== 'call' || typeof method !== 'string' || !Array.isArray(args) || this.#calls.has(id)) return false
    void this.#call(id, method, args)
    return true
  }

  async #call(id: number, method: string, args: readonly unknown[]): Promise<void> {
    const { screens, isPeer } = this.#init
    const controller = new AbortController()
    const isBusy = !WAITING_METHODS.has(method)
    this.#calls.set(id, controller)
    if (isBusy) this.#busyCalls++
    try {
      const value = await carryOut(
        { node: this.#node, screens, readers: this.#readers, isPeer },
        { method, args },
        controller.signal
      )
      this.#tell({ is: 'reply', id, ...(value === undefined ? {} : { value }) })
    } catch (error) {
      this.#write({ is: 'failure', id, error: errorFields(error) })
    } finally {
      this.#calls.delete(id)
      if (isBusy) this.#busyCalls--
      this.#moved.wake()
    }
  }

  /** Nothing more is read while so much goes on, or is not read by the face. */
  #isFull(): boolean {
    const { writableLength } = this.#init.stream
    const isTooMuch = this.#busyCalls >= MAX_CALLS_AT_ONCE || this.#calls.size >= MAX_WAITING_CALLS
    return isTooMuch || writableLength > MAX_FACE_BACKLOG_BYTES
  }

  /** A connection that was cut somewhere on its way looks like a face that says nothing. */
  #watchSilence(): void {
    const look = (): void => {
      const leftMs = (this.#isFull() ? STUCK_MS : SILENCE_MS) - (performance.now() - this.#silentSinceMs)
      if (leftMs <= 0) this.#init.stream.destroy()
      else timer = setTimeout(look, Math.min(leftMs, SILENCE_MS))
    }
    let timer = setTimeout(look, SILENCE_MS)
    this.#unsubscribe.push(() => clearTimeout(timer))
  }

  #listen(): void {
    const { events } = this.#init.node
    for (const type of eventTypes) {
      const listener = ({ detail }: CustomEvent): void => this.#orEnd(() => this.#event(type, detail))
      events.addEventListener(type, listener)
      this.#unsubscribe.push(() => events.removeEventListener(type, listener))
    }
    const { stream } = this.#init
    const onDrain = (): void => {
      if (!this.#isBehind) return
      this.#isBehind = false
      this.#write({ is: 'behind' })
      this.#orEnd(() => this.#writeSnapshot())
    }
    stream.on('drain', onDrain)
    this.#unsubscribe.push(() => stream.off('drain', onDrain))
  }

  /** Listeners run inside the node: an error in one would end the process, and is the end of this face alone. */
  #orEnd(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#init.stream.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #event(type: keyof ChatNodeEvents, detail: unknown): void {
    if (this.#init.stream.writableLength > MAX_FACE_BACKLOG_BYTES) this.#isBehind = true
    if (this.#isBehind) return
    const changed = type === 'snapshot' ? partsOfChange(detail) : (partsOfEvents[type] ?? [])
    if (changed.length > 0) this.#refreshViews()
    for (const part of changed) this.#writePart(part)
    this.#tell({ is: 'event', type, detail })
  }

  #writeSnapshot(): void {
    this.#views.clear()
    for (const part of WHOLE_PARTS) this.#writePart(part)
    const { roster } = this.#init.node.snapshot()
    for (let from = 0; from < roster.length; from += ROWS_IN_LINE) {
      this.#tell({ is: 'rows', rows: roster.slice(from, from + ROWS_IN_LINE) })
    }
    this.#write({ is: 'live' })
  }

  #writePart(part: WholePart): void {
    this.#tell({ is: 'part', part, value: this.#init.node.snapshot()[part] })
  }

  /** What names peers, after what is known of them. */
  #tell(message: ToFace): void {
    const peers = new Set<string>()
    const line = `${JSON.stringify(message, (key, value: unknown) => {
      if (key === 'peer' && typeof value === 'string') peers.add(value)
      return value
    })}\n`
    this.#writeViews(peers)
    this.#writeLine(line)
  }

  #refreshViews(): void {
    this.#writeViews(this.#views.keys())
  }

  #writeViews(peers: Iterable<string>): void {
    const changed = Array.from(peers).flatMap((peer) => {
      const { name, label, trust, state } = this.#init.node.peers.look(peer)
      const view = { peer, name, label, trust, state }
      const json = JSON.stringify(view)
      const before = this.#views.get(peer)
      this.#views.delete(peer)
      this.#views.set(peer, json)
      return before === json ? [] : [view]
    })
    if (changed.length > 0) this.#write({ is: 'views', views: changed })
    this.#forgetViews()
  }

  /** Of those that no line has named for long. */
  #forgetViews(): void {
    if (this.#views.size <= MAX_VIEWS) return
    const peers = [...this.#views.keys()].slice(0, this.#views.size - MAX_VIEWS / 2)
    for (const peer of peers) this.#views.delete(peer)
    this.#write({ is: 'forget', peers })
  }

  #write(message: ToFace): void {
    this.#writeLine(lineOf(message))
  }

  #writeLine(line: string): void {
    const { stream } = this.#init
    if (!stream.destroyed && !stream.writableEnded) stream.write(line)
  }
}

function partsOfChange(detail: unknown): readonly WholePart[] {
  const part: unknown = typeof detail === 'object' && detail !== null && 'part' in detail ? detail.part : undefined
  return WHOLE_PARTS.filter((whole) => whole === part)
}
