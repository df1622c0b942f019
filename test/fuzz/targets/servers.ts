/** The two servers that speak text: the directory's HTTP side, and the control socket of a running parley. */
import { randomInt } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { ControlServer } from '../../../src/cli/control/control-server.ts'
import { RosterHttp } from '../../../src/directory/http/index.ts'
import { Roster, type RosterChange, type RosterEntry, type VerifiedRecord } from '../../../src/presence/index.ts'
import { steadyNow } from '../../../src/wire/index.ts'
import { FakeNode, row } from '../../cli/fake-node.ts'
import { fixedKey } from '../fixed-keys.ts'
import { promise, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, InputReader } from '../input-reader.ts'
import { someCommand } from './local.ts'

/** A response that has no end stays open: the client leaves. */
const patienceMs = 40
/** An honest reader waits as long as a busy machine needs. */
const honestPatienceMs = 120_000

/** Writes the pieces, ends its half, and returns what was answered until the other side ended or the patience did. */
async function talk(socket: Socket, bytes: Uint8Array, sizes: InputReader, waitMs = patienceMs): Promise<Buffer> {
  const answers: Buffer[] = []
  socket.on('error', () => undefined)
  socket.on('data', (answer: Buffer) => answers.push(answer))
  const closed = once(socket, 'close').catch(() => undefined)
  await once(socket, 'connect').catch(() => undefined)
  for (let at = 0; at < bytes.byteLength && !socket.destroyed;) {
    const size = sizes.leftBytes === 0 ? bytes.byteLength : 1 + sizes.byte()
    socket.write(bytes.subarray(at, at + size))
    at += size
    await sleep(0)
  }
  socket.end()
  await Promise.race([closed, sleep(waitMs)])
  socket.destroy()
  return Buffer.concat(answers)
}

class StillRoster extends EventEmitter<{ change: [readonly RosterChange[]] }> {
  readonly #roster = new Roster()

  constructor() {
    super()
    for (const n of [1, 2, 3]) {
      const record: VerifiedRecord['record'] = {
        peer: peerIdFromPrivateKey(fixedKey(n)),
        seq: 1n,
        issuedAtMs: 1,
        nickname: `peer ${n}`,
        status: '<b>here</b>',
        addresses: [multiaddr('/ip4/192.0.2.7/tcp/4001')],
        capabilities: [],
        network: 'fuzz',
        withdrawn: false
      }
      this.#roster.announce(
        { record, envelope: new Uint8Array(), payload: Uint8Array.of(n) },
        { source: 'directory-1', nowMs: steadyNow() }
      )
    }
  }

  roster(): readonly RosterEntry[] {
    return this.#roster.entries()
  }
}

let http: Promise<RosterHttp> | undefined

async function startHttp(): Promise<RosterHttp> {
  const server = new RosterHttp({
    self: 'directory-1',
    network: 'fuzz',
    roster: new StillRoster(),
    shortId: (peer) => peer.slice(-8),
    pathOf: () => 'lan',
    host: '0.0.0.0',
    page: new Map()
  })
  await server.start(0)
  return server
}

/** The rate of requests is counted by address. */
function connectHttp(port: number): Socket {
  const own = `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`
  return connect({ host: '127.0.0.1', port, ...(platform() === 'linux' ? { localAddress: own } : {}) })
}

const paths = [
  '/',
  '/api/roster',
  '/api/events',
  '/healthz',
  '/metrics',
  '/api/roster?q=peer&limit=1',
  '/../x',
  '//a',
  '*'
]
const headerNames = ['Host', 'Last-Event-ID', 'If-None-Match', 'Content-Length', 'Transfer-Encoding', 'Sec-Fetch-Site']
const honestEvery = 100
let requests = 0

function someRequests(reader: InputReader): Uint8Array {
  const all = reader.list(4, () => {
    const method = reader.byte() < 200 ? 'GET' : reader.oneOf(['HEAD', 'POST', 'OPTIONS', 'CONNECT', reader.text(6)])
    const path =
      reader.byte() < 200 ? reader.oneOf(paths) : `/api/${reader.oneOf(['roster', 'events'])}?${reader.text(60)}`
    const version = reader.byte() < 230 ? 'HTTP/1.1' : reader.text(10)
    const headers = reader.list(5, () => {
      const name = reader.byte() < 230 ? reader.oneOf(headerNames) : reader.text(20)
      return `${name}: ${reader.byte() < 100 ? reader.oneOf(['localhost', '127.0.0.1', '5', 'chunked', 'cross-site', '-1']) : reader.text(60)}\r\n`
    })
    return `${method} ${path} ${version}\r\nHost: 127.0.0.1\r\n${headers.join('')}\r\n${reader.byte() < 32 ? reader.text(40) : ''}`
  })
  return Buffer.from(all.join(''))
}

const httpTarget: FuzzTarget = {
  name: 'http',
  reaches: 'bytes to the HTTP side of a directory, as requests and as anything else',
  weight: 10,
  isAsync: true,
  stretchEvery: 100,
  cpuMs: 1500,
  seeds: () => [
    ...paths.map((path) => asIs(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`))),
    asIs(Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n')),
    choices(1, 0, 1, 0, 0, 0),
    choices(3, 0, 2, 0, 1, 9, 200, 4, 60, 61, 62, 63)
  ],
  async run(input) {
    http ??= startHttp()
    const { port } = await http
    const answer = await talk(connectHttp(port), bytesOf(input, someRequests), new InputReader(input.subarray(-8)))
    const isHttp = answer.byteLength === 0 || answer.subarray(0, 9).toString('latin1') === 'HTTP/1.1 '
    promise(isHttp, `an answer is HTTP: ${answer.subarray(0, 40).toString('latin1')}`)
    if (++requests % honestEvery === 0) {
      const health = await talk(
        connectHttp(port),
        Buffer.from('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'),
        new InputReader(new Uint8Array()),
        honestPatienceMs
      )
      promise(health.toString().startsWith('HTTP/1.1 200 '), `an honest reader is answered: ${health.toString()}`)
    }
  },
  async stop() {
    const server = await http
    http = undefined
    await server?.stop()
  }
}

interface Control {
  readonly server: ControlServer
  readonly path: string
  readonly node: FakeNode
  readonly folder: string
}

let control: Promise<Control> | undefined

async function startControl(): Promise<Control> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-fuzz-'))
  const node = new FakeNode()
  node.rows = [row('anna'), row('bob')]
  const path = join(folder, 'control')
  return { server: await ControlServer.start(node, async () => path), path, node, folder }
}

// oxlint-disable-next-line no-control-regex -- what must not be there
const unprintable = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

const controlTarget: FuzzTarget = {
  name: 'control-socket',
  reaches: 'lines on the control socket of a running parley',
  weight: 10,
  isAsync: true,
  stretchEvery: 100,
  cpuMs: 1500,
  seeds: () => [
    asIs(Buffer.from('{"do":"who"}\n{"do":"msg","peer":["anna"],"text":"hi","tag":1}\n{"do":"quit"}\n')),
    asIs(Buffer.from('{"do":"help"}\n[]\n{"do":"send"}\nnot json\n')),
    choices(9, 9, 3, 0, 1, 2, 3, 4, 5)
  ],
  async run(input) {
    control ??= startControl()
    const { path, node } = await control
    const bytes = bytesOf(input, (reader) => Buffer.from(reader.list(8, () => someCommand(reader)).join('\n')))
    const answer = await talk(connect(path), bytes, new InputReader(input.subarray(-8)))
    node.calls.length = 0
    const lines = answer.toString('utf8').split('\n').slice(0, -1)
    for (const line of lines) {
      promise(!unprintable.test(line), 'an answer holds nothing that acts on a terminal')
      promise(typeof JSON.parse(line) === 'object', 'an answer is JSON')
    }
    // None at all: the machine was busy for as long as the client waits.
    const [first] = lines
    promise(first === undefined || first.includes('"event":"ready"'), 'the first answer is ready')
  },
  async stop() {
    const running = await control
    control = undefined
    await running?.server.stop()
    if (running !== undefined) rmSync(running.folder, { recursive: true, force: true })
  }
}

export const targets: readonly FuzzTarget[] = [httpTarget, controlTarget]
