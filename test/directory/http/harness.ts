// A roster that the test moves, shown by a real HTTP server on loopback, and a
// reader of its events.
import { EventEmitter } from 'node:events'
import { get, request, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { multiaddr } from '@multiformats/multiaddr'
import { Roster, type RosterChange, type RosterEntry, type VerifiedRecord } from '../../../src/presence/index.ts'
import { RosterHttp } from '../../../src/directory/http/index.ts'
import { eventualMs, Patience } from '../../patience.ts'
import { steadyNow } from '../../../src/wire/index.ts'
import type { Identity } from '../../presence/records.ts'

export const SELF = 'directory-1'

/** The real roster, told of records without signatures: what is shown does not depend on them. */
export class MovedRoster extends EventEmitter<{ change: [readonly RosterChange[]] }> {
  readonly #roster = new Roster()
  #seq = 1_000n

  roster(): readonly RosterEntry[] {
    return this.#roster.entries()
  }

  join(who: Identity, nickname: string, over: { readonly status?: string; readonly source?: string } = {}): void {
    const announced = this.#roster.announce(this.#record(who, nickname, over.status ?? ''), {
      source: over.source ?? SELF,
      nowMs: steadyNow()
    })
    if (announced.outcome === 'accepted') this.#tell(announced.changes)
  }

  leave(who: Identity): void {
    const withdrawn = this.#roster.withdraw(this.#record(who, '', '', true), steadyNow())
    if (withdrawn.outcome === 'accepted') this.#tell(withdrawn.changes)
  }

  lose(who: Identity): void {
    this.#roster.lost(who.id, SELF, steadyNow(), 0)
    this.#tell(this.#roster.expire(steadyNow() + 1))
  }

  #record(who: Identity, nickname: string, status: string, withdrawn = false): VerifiedRecord {
    const seq = ++this.#seq
    const record = {
      peer: who.peer,
      seq,
      issuedAtMs: 1_000,
      nickname,
      status,
      addresses: [multiaddr('/ip4/192.0.2.7/tcp/4001')],
      capabilities: [],
      network: 'test',
      withdrawn
    }
    return { record, envelope: new Uint8Array(), payload: new TextEncoder().encode(`${seq}`) }
  }

  #tell(changes: readonly RosterChange[]): void {
    if (changes.length > 0) this.emit('change', changes)
  }
}

export interface Shown {
  readonly roster: MovedRoster
  readonly http: RosterHttp
  readonly port: number
}

/** Shows a roster until the test ends. */
export async function shown(over: Partial<ConstructorParameters<typeof RosterHttp>[0]> = {}): Promise<Shown> {
  const roster = new MovedRoster()
  const http = new RosterHttp({
    self: SELF,
    network: 'test',
    roster,
    shortId: (peer) => peer.slice(-8),
    pathOf: () => 'lan',
    host: '127.0.0.1',
    page: new Map(),
    coalesceMs: 20,
    ...over
  })
  await http.start(0)
  onTestFinished(async () => http.stop())
  return { roster, http, port: http.port }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export async function ask(
  port: number,
  path: string,
  options: {
    readonly method?: string
    readonly headers?: Record<string, string>
    readonly body?: string
    /** The address to ask from. */
    readonly from?: string
  } = {}
): Promise<Answer> {
  const { method = 'GET', headers = {}, from = '127.0.0.1' } = options
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers, localAddress: from, agent: false },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
        response.on('error', reject)
      }
    )
    asked.on('error', reject)
    asked.end(options.body)
  })
}

export interface ServerEvent {
  readonly id: string | undefined
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Reads /api/events as a browser would. */
export class EventReader {
  readonly events: ServerEvent[] = []
  ended = false
  /** How long it was asked to wait before it comes back. */
  retryMs: number | undefined
  #text = ''
  #taken = 0
  #wake: () => void = () => undefined
  readonly #stop: () => void

  constructor(port: number, path = '/api/events', headers: Record<string, string> = {}, from = '127.0.0.1') {
    const asked = get({ host: '127.0.0.1', port, path, headers, localAddress: from, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', (chunk: string) => this.#append(chunk))
      response.on('close', () => {
        this.ended = true
        this.#wake()
      })
    })
    asked.on('error', () => undefined) // the server hangs up when the test ends
    this.#stop = () => asked.destroy()
    onTestFinished(() => this.close())
  }

  close(): void {
    this.#stop()
  }

  /** @returns the next event that was not taken yet, signs of life left out unless they are asked for */
  async next(event?: string): Promise<ServerEvent> {
    const patience = new Patience(eventualMs, () => this.#wake())
    try {
      for (;;) {
        const at = this.events.findIndex((one, i) => i >= this.#taken && (event ?? one.event) === one.event)
        const found = this.events[at]
        if (found !== undefined && (event !== undefined || found.event !== 'beat')) {
          this.#taken = at + 1
          return found
        }
        if (this.ended || patience.isOver)
          throw new Error(`no ${event ?? 'event'} came: ${JSON.stringify(this.events)}`)
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      patience.end()
    }
  }

  #append(chunk: string): void {
    this.#text += chunk
    const blocks = this.#text.split('\n\n')
    this.#text = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.split(': ', 1)[0] ?? '', line.slice(line.indexOf(': ') + 2)])
      )
      this.retryMs = fields.has('retry') ? Number(fields.get('retry')) : this.retryMs
      const data: unknown = JSON.parse(fields.get('data') ?? '{}')
      this.events.push({ id: fields.get('id'), event: fields.get('event') ?? '', data: { ...Object(data) } })
    }
    this.#wake()
  }
}

/** A connection that says what it is told, and reads only when it is told to. */
export async function rawConnection(port: number, from = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from })
  socket.on('error', () => undefined) // being cut off is what some tests wait for
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  onTestFinished(() => void socket.destroy())
  return socket
}
