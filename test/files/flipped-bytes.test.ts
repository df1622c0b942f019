/** A transfer of one leaf in which one byte that its source sends is changed: each byte once. Streams, disk and time are in memory. */
import { createHash, randomBytes } from 'node:crypto'
import { streamPair } from '@libp2p/utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Download, type Part } from '../../src/files/download.ts'
import { SOURCE_SILENT_MS } from '../../src/files/download-plan.ts'
import { fileIdOf } from '../../src/files/file-tree.ts'
import { LeafSet } from '../../src/files/leaf-set.ts'
import { UploadSession, type FilesOnOffer } from '../../src/files/upload-session.ts'
import { UploadSlots } from '../../src/files/upload-slots.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
})

afterEach(() => {
  vi.useRealTimers()
})

interface Given {
  readonly file: string
  readonly content: Buffer
  readonly layer: Buffer
}

async function given(sizeBytes: number): Promise<Given> {
  const content = randomBytes(sizeBytes)
  const layer = createHash('sha256').update(Buffer.alloc(1)).update(content).digest()
  return { content, layer, file: (await fileIdOf(sizeBytes, layer)).toString('hex') }
}

function offering({ file, content, layer }: Given): FilesOnOffer {
  async function* leaf() {
    yield Uint8Array.from(content)
  }
  const opened = { sizeBytes: content.byteLength, layer: async () => layer, leaf, close: async () => undefined }
  return { open: async (_peer, asked) => (asked === file ? opened : undefined) }
}

class MemoryPart implements Part {
  readonly layer: Uint8Array
  readonly have = new LeafSet(1)
  content: Buffer | undefined

  constructor(layer: Uint8Array) {
    this.layer = layer
  }

  async write(leaf: number, bytes: Uint8Array): Promise<void> {
    this.content = Buffer.from(bytes)
    this.have.add(leaf)
  }

  async finish(): Promise<string> {
    return this.content?.toString('hex') ?? 'nothing was written'
  }

  async close(): Promise<void> {
    // There is nothing to close.
  }
}

/** Adds a source. @param flipped the number of the byte that is changed; the sum of what was sent is returned */
async function source(download: Download, name: string, from: Given, flipped?: number): Promise<() => number> {
  const [own, other] = await streamPair()
  let sent = 0
  const send = other.send.bind(other)
  other.send = (honest) => {
    const bytes = Uint8Array.from(honest.subarray())
    const at = (flipped ?? -1) - sent
    if (at >= 0 && at < bytes.byteLength) bytes[at] = (bytes[at] ?? 0) ^ (1 << ((flipped ?? 0) % 8))
    sent += bytes.byteLength
    return send(bytes)
  }
  const session = new UploadSession({
    stream: other,
    peer: 'bob',
    offers: offering(from),
    slots: new UploadSlots(),
    mayAsk: () => true,
    onSent: () => undefined,
    signal: new AbortController().signal
  })
  session.run().catch(() => undefined)
  download.add(name, own)
  return () => sent
}

async function transfer(from: Given, flipped?: number) {
  const events: string[] = []
  const { file, content } = from
  const download = new Download({
    file,
    sizeBytes: content.byteLength,
    part: undefined,
    create: async (layer) => new MemoryPart(layer),
    events: {
      progress: () => undefined,
      dropped: (peer, why) => events.push(`${peer} dropped: ${why}`),
      lost: (peer) => events.push(`${peer} lost`)
    }
  })
  const written: string[] = []
  const whole = download.whole.then((text) => written.push(text))
  const sent = await source(download, 'faulty', from, flipped)
  // Until it is whole, or the source has been silent for long enough.
  const patient = async (): Promise<void> => {
    for (let step = 0; step < 6 && written.length === 0; step++) await vi.advanceTimersByTimeAsync(SOURCE_SILENT_MS / 4)
  }
  await patient()
  const wasAlone = written.length > 0
  if (!wasAlone) await source(download, 'honest', from)
  for (let round = 0; round < 4 && written.length === 0; round++) await patient()
  expect(written, `byte ${flipped}`).toEqual([content.toString('hex')])
  await whole
  await download.stop(new Error('it is over'))
  return { events, sent: sent(), wasAlone }
}

test('whichever byte of a source is changed, no wrong byte is written, and no other source is blamed', async () => {
  const from = await given(200)
  const { sent, events } = await transfer(from)
  expect(events).toEqual([])
  const outcomes = new Map<string, number>()
  for (let byte = 0; byte < sent; byte++) {
    const outcome = await transfer(from, byte)
    expect(
      outcome.events.filter((event) => event.startsWith('honest')),
      `byte ${byte}`
    ).toEqual([])
    const what = outcome.events[0] ?? (outcome.wasAlone ? 'no harm' : 'silent')
    outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
  }
  // Each byte of the content and of its hash names its source.
  expect(outcomes.get('faulty dropped: wrong')).toBeGreaterThanOrEqual(200 + 32)
})
