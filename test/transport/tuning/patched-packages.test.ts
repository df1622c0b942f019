/** The patches of packages: each still applies, is still needed, and does what it is for. */
import { build, type Plugin } from 'esbuild'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as unpatchedEvents from 'main-event'
import * as unpatchedNoise from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerData, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import * as unpatched from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { boundedYamux } from '../../../src/transport/index.ts'
import { eventually } from '../../eventually.ts'
import { eventualMs } from '../../patience.ts'

interface Patch {
  readonly file: string
  readonly replace: string
}

// The scripts are plain JavaScript.
const { applied, patchedPackages, patches } = (await import(
  new URL('../../../scripts/patched-packages.js', import.meta.url).href
)) as {
  readonly applied: (patch: Patch, text: string) => string
  readonly patchedPackages: () => Plugin
  readonly patches: readonly Patch[]
}
const root = fileURLToPath(new URL('../../../', import.meta.url))
const endless = new Uint8Array(64).fill(0x80)

/** What the peer store keeps of a peer; its package does not export this. */
interface Peers {
  toPeerPB(peer: PeerId, fields: PeerData, strategy: 'patch', options: object): Promise<PeerPb>
}
interface PeerPb {
  readonly addresses: readonly unknown[]
  readonly protocols: readonly string[]
  readonly tags: ReadonlyMap<string, unknown>
}

let folder: string
let bundled: string
let patched: typeof unpatched
let patchedNoise: typeof unpatchedNoise
let patchedEvents: typeof unpatchedEvents
let patchedPeers: Peers

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-patched-'))
  const outfile = join(folder, 'utils.mjs')
  await build({
    stdin: {
      contents:
        "export * as utils from '@libp2p/utils'\nexport * as noise from '@chainsafe/libp2p-noise'\nexport * as events from 'main-event'\nexport * as peers from './node_modules/@libp2p/peer-store/dist/src/utils/to-peer-pb.js'",
      resolveDir: root
    },
    plugins: [patchedPackages()],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
    logLevel: 'silent'
  })
  const bundle = (await import(pathToFileURL(outfile).href)) as {
    readonly utils: typeof unpatched
    readonly noise: typeof unpatchedNoise
    readonly events: typeof unpatchedEvents
    readonly peers: Peers
  }
  patched = bundle.utils
  patchedNoise = bundle.noise
  patchedEvents = bundle.events
  patchedPeers = bundle.peers
  bundled = await readFile(outfile, 'utf8')
})

afterAll(async () => rm(folder, { recursive: true, force: true }))

/** What a reader with this limit makes of a length prefix that never ends. */
async function outcomeOf(
  { lpStream, multiaddrConnectionPair }: typeof unpatched,
  options: { readonly maxDataLength?: number },
  patienceMs = eventualMs
): Promise<string> {
  const [remote, local] = multiaddrConnectionPair()
  const read = lpStream(local, options).read({ signal: AbortSignal.timeout(patienceMs) })
  remote.send(endless)
  const outcome = await read.then(
    () => 'read',
    (error: unknown) => (error instanceof Error ? error.name : String(error))
  )
  local.abort(new Error('the test is over'))
  return outcome
}

describe('the patches of packages', () => {
  test('apply to the packages that are installed', async () => {
    for (const patch of patches) {
      const text = await readFile(join(root, 'node_modules', patch.file), 'utf8')
      expect(applied(patch, text)).toContain(patch.replace)
    }
  })

  test('end a build of a package in which their text is not found', () => {
    const [patch] = patches
    if (patch === undefined) throw new Error('there is no patch')
    expect(() => applied(patch, 'export const lpStream = 1')).toThrow(patch.file)
  })

  test('@libp2p/utils as it is reads an endless length prefix for ever: once it does not, the patch can go', async () => {
    await expect(outcomeOf(unpatched, { maxDataLength: 1024 }, 200)).resolves.toBe('TimeoutError')
  })

  test('the patched one ends with it after the bytes that the longest length needs, or eight', async () => {
    await expect(outcomeOf(patched, { maxDataLength: 1024 })).resolves.toBe('InvalidDataLengthLengthError')
    await expect(outcomeOf(patched, {})).resolves.toBe('InvalidDataLengthLengthError')
  })

  test('the patched one reads what is allowed, also a length that comes byte by byte', async () => {
    const [remote, local] = patched.multiaddrConnectionPair()
    const frames = patched.lpStream(local, { maxDataLength: 1024 })
    const reading = frames.read({ signal: AbortSignal.timeout(eventualMs) })
    remote.send(Uint8Array.of(0x80))
    remote.send(Uint8Array.of(0x08))
    remote.send(new Uint8Array(1024).fill(7))
    expect((await reading).byteLength).toBe(1024)
    local.abort(new Error('the test is over'))
  })
  test('the patched event target calls, counts and removes listeners as before', () => {
    const target = new patchedEvents.TypedEventEmitter<{ it: Event }>()
    const calls: string[] = []
    const plain = (): unknown => calls.push('plain')
    const life = new AbortController()
    target.addEventListener('it', plain)
    target.addEventListener('it', plain)
    target.addEventListener('it', () => calls.push('once'), { once: true })
    target.addEventListener('it', () => calls.push('while it lives'), { signal: life.signal })
    target.addEventListener('it', { handleEvent: () => calls.push('object') })
    expect(target.listenerCount('it')).toBe(4)
    target.dispatchEvent(new Event('it'))
    expect(calls.splice(0)).toEqual(['plain', 'once', 'while it lives', 'object'])
    life.abort()
    target.removeEventListener('it', plain)
    target.dispatchEvent(new Event('it'))
    expect(calls).toEqual(['object'])
    expect(target.listenerCount('it')).toBe(1)
  })

  test('the patched peer store sorts without the order of a language, whose tables are three megabytes', async () => {
    const comparing = vi.spyOn(String.prototype, 'localeCompare')
    onTestFinished(() => comparing.mockRestore())
    const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    const multiaddrs = ['/ip4/192.0.2.2/tcp/1', '/ip4/192.0.2.1/tcp/1'].map((text) => multiaddr(text))
    const fields = { protocols: ['/b', '/a', '/c'], multiaddrs, tags: { b: {}, a: {} } }
    const kept = await patchedPeers.toPeerPB(peer, fields, 'patch', {})
    expect(kept.protocols).toEqual(['/a', '/b', '/c'])
    expect([...kept.tags.keys()]).toEqual(['a', 'b'])
    expect(kept.addresses).toHaveLength(2)
    expect(comparing).not.toHaveBeenCalled()
  })

  test('the patched Noise compiles no WebAssembly, and talks with one as it is in short and long messages', async () => {
    expect(bundled).not.toContain('WebAssembly')
    const [dialer, listener] = [await hostWith(patchedNoise), await hostWith(unpatchedNoise)]
    await listener.handle('/echo/1.0.0', (stream) =>
      stream.addEventListener('message', ({ data }) => void stream.send(data))
    )
    const stream = await dialer.dialProtocol(listener.getMultiaddrs(), '/echo/1.0.0')
    const answered: Uint8Array[] = []
    stream.addEventListener('message', ({ data }) => answered.push(data.subarray()))
    const sent = Buffer.alloc(100_000, 'both small and large')
    stream.send(sent.subarray(0, 10))
    stream.send(sent.subarray(10))
    await eventually(() => expect(Buffer.concat(answered)).toEqual(sent))
  })
})

async function hostWith({ noise }: typeof unpatchedNoise): Promise<Libp2p> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux()],
    connectionMonitor: { enabled: false }
  })
  onTestFinished(async () => libp2p.stop())
  return libp2p
}
