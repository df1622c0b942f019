// The open connections of the HTTP side: a room whose places are shared by address
// class from the moment of the accept, so that requests that never end keep nobody
// else out; and the reports of what gave way. Knows sockets and which of them are
// being answered, and nothing of what is asked on them.
import type { Socket } from 'node:net'
import { addressClass, Shares } from '../../wire/index.ts'

/** How often evictions are reported: the first at once, then their number. */
const EVICTION_REPORT_MS = 10_000

/** Something that gave way to others. */
export interface Eviction {
  readonly what: 'connection' | 'event-stream' | 'query'
  /** The address class that held the most, and how much it held of how much. */
  readonly holder: string
  readonly held: number
  readonly capacity: number
}

/** What an operator sees of evictions. */
export interface EvictionReport extends Eviction {
  /** How many have given way since the last report. */
  readonly evicted: number
}

export class EvictionReports {
  readonly #kinds = new Map<Eviction['what'], { sinceLast: number; toldAtMs: number }>()

  /** @returns the report that is due now, if any */
  note(eviction: Eviction, nowMs: number): EvictionReport | undefined {
    const kind = this.#kinds.get(eviction.what) ?? { sinceLast: 0, toldAtMs: -Infinity }
    const evicted = kind.sinceLast + 1
    const isDue = nowMs - kind.toldAtMs >= EVICTION_REPORT_MS
    this.#kinds.set(eviction.what, isDue ? { sinceLast: 0, toldAtMs: nowMs } : { ...kind, sinceLast: evicted })
    return isDue ? { ...eviction, evicted } : undefined
  }
}

/** Open connections: each page holds one, and others come and go. Of a fuller room the largest holder's oldest go. */
export const MAX_HTTP_CONNECTIONS = 512

/** … and of the files that the process may have open: most are for peers. */
const HTTP_PART_OF_FILES = 0.125

interface HttpConnectionsInit {
  /** Its connections are those of others, and it bounds them itself. */
  readonly isTrustedProxy: (address: string) => boolean
  /** Whether one more connection of an address class is taken. */
  readonly mayConnect: (holder: string) => boolean
  readonly onEviction: (eviction: Eviction) => void
  readonly capacity?: number
}

/** @param openFiles how many files the process may have open: the page shares them with the directory itself */
export function httpConnectionsWithin(openFiles: number): number {
  return Math.min(MAX_HTTP_CONNECTIONS, Math.max(1, Math.floor(openFiles * HTTP_PART_OF_FILES)))
}

export class HttpConnections {
  readonly #init: HttpConnectionsInit
  readonly #room: Shares<Socket>
  /** How many requests are being answered on each; on those that are absent a request is being waited for. */
  readonly #answers = new Map<Socket, number>()

  constructor(init: HttpConnectionsInit) {
    this.#init = init
    this.#room = new Shares({ capacity: init.capacity ?? MAX_HTTP_CONNECTIONS })
  }

  get open(): number {
    return this.#room.size
  }

  /** The address class that holds the most, and how much. */
  largest(): { readonly holder: string; readonly count: number } | undefined {
    return this.#room.holders()[0]
  }

  accept(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    const holder = addressClass(address)
    if (!this.#init.isTrustedProxy(address) && !this.#init.mayConnect(holder)) {
      socket.destroy()
      return
    }
    this.#room.add(socket, holder)
    socket.once('close', () => {
      this.#room.delete(socket)
      this.#answers.delete(socket)
    })
    if (this.#room.isUnderPressure) this.#makeRoom(socket)
  }

  /**
   * A whole request has come, and it is being answered until {@link answered}.
   *
   * @param client whose request it is: behind a proxy another than the socket's
   * @returns how many requests are being answered on the connection now
   */
  answering(socket: Socket, client: string): number {
    if (this.#room.holderOf(socket) === undefined) return 0 // it gave way a moment ago
    this.#room.add(socket, addressClass(client))
    const answers = (this.#answers.get(socket) ?? 0) + 1
    this.#answers.set(socket, answers)
    return answers
  }

  answered(socket: Socket): void {
    const left = (this.#answers.get(socket) ?? 1) - 1
    if (left > 0) this.#answers.set(socket, left)
    else this.#answers.delete(socket)
  }

  /** Connections that wait for their client go first; one with a request being answered goes only when the room is full. */
  #makeRoom(newcomer: Socket): void {
    const isBusy = (socket: Socket): boolean =>
      socket === newcomer || this.#answers.has(socket) || this.#init.isTrustedProxy(socket.remoteAddress ?? '')
    const victim =
      this.#room.toEvict(isBusy) ?? (this.#room.isFull ? this.#room.toEvict((one) => one === newcomer) : undefined)
    if (victim === undefined) return
    const holder = this.#room.holderOf(victim) ?? ''
    const held = this.#room.countOf(holder)
    this.#room.delete(victim)
    victim.destroy()
    this.#init.onEviction({ what: 'connection', holder, held, capacity: this.#room.capacity })
  }
}
