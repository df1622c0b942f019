/** Files that a disk, a crash or another hand may have changed: the history, the peer book, the identity's key. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ArchiveError, UsageError } from '../../../src/node/api/errors.ts'
import { readIdentity } from '../../../src/node/profile/identity.ts'
import { encodeLockedKey, encodeOpenKey } from '../../../src/node/profile/key-file.ts'
import { decodeTar, encodeTar } from '../../../src/node/profile/tar.ts'
import {
  checkForeignHistory,
  PeerBook,
  PeerBookDamagedError,
  SqliteStore,
  StorageError
} from '../../../src/storage/index.ts'
import { fixedKey } from '../fixed-keys.ts'
import { allow, allowAsync, promise, same, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, InputReader } from '../input-reader.ts'

let folder: string | undefined

function fileIn(name: string): string {
  folder ??= mkdtempSync(join(tmpdir(), 'parley-fuzz-'))
  return join(folder, name)
}

async function stop(): Promise<void> {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  folder = undefined
  wholeHistory = undefined
}

let wholeHistory: Promise<Buffer> | undefined
const people = ['12D3KooWanna', '12D3KooWbob', '12D3KooWcarol']

/** A history of three conversations, as a program leaves it that has ended well. */
async function makeHistory(): Promise<Buffer> {
  const file = fileIn('whole.db')
  const store = await SqliteStore.open(file)
  for (const [i, peer] of people.entries()) {
    const messages = Array.from({ length: 12 }, (_, n) => ({
      id: `${i}${String(n).padStart(3, '0')}`.padStart(32, '0'),
      log: '0123456789abcdef',
      seq: n + 1,
      sentAtMs: 1_700_000_000_000 + n,
      text: `message ${n} 🎈 ${'x'.repeat(n * 20)}`
    }))
    const state = i === 0 ? 'held' : 'accepted'
    await store.addIncoming(peer, messages, { state, lan: false, storedAtMs: 1_700_000_000_000 })
  }
  await store.close()
  return readFileSync(file)
}

/** SQLite's own pages are changed where it hurts: headers, pointers, lengths, text; or the file is cut. */
function damaged(whole: Buffer, reader: InputReader): Buffer {
  const bytes = Buffer.from(whole)
  const pageBytes = bytes.readUInt16BE(16)
  const pages = bytes.byteLength / pageBytes
  for (let left = 1 + reader.below(6); left > 0; left--) {
    // The first bytes of a page say what it is; the cells that it points to are at its end.
    const place = reader.byte() < 128 ? reader.below(12) : reader.below(pageBytes)
    const at = reader.below(pages) * pageBytes + place
    bytes.set(reader.some(8).subarray(0, Math.max(0, bytes.byteLength - at)), at)
  }
  return reader.byte() < 230 ? bytes : bytes.subarray(0, reader.below(pages) * pageBytes + reader.below(pageBytes))
}

const history: FuzzTarget = {
  name: 'history-file',
  reaches: 'a damaged history: opening, mending, checking and reading it',
  weight: 100,
  isAsync: true,
  cpuMs: 4000,
  seeds: () => [
    choices(1, 0, 0, 0, 1, 9),
    choices(3, 200, 1, 2, 3, 4, 5, 6, 7, 8),
    asIs(Buffer.from('SQLite format 3\0'))
  ],
  async run(input) {
    wholeHistory ??= makeHistory()
    const whole = await wholeHistory
    const isRaw = ((input[0] ?? 0) & 1) === 0
    const bytes = isRaw ? input.subarray(1) : damaged(whole, new InputReader(input.subarray(1)))
    const file = fileIn('history.db')
    writeFileSync(file, bytes)
    try {
      await allowAsync([StorageError], async () => readAll(file))
      // What was mended is whole.
      await allowAsync([StorageError], async () => readAll(file))
    } finally {
      for (const name of readdirSync(dirname(file))) {
        if (name.startsWith('history.db')) rmSync(join(dirname(file), name), { force: true })
      }
    }
  },
  stop
}

async function readAll(file: string): Promise<void> {
  const { store } = await SqliteStore.openOrMend(file)
  try {
    for (const { peer } of await store.conversations()) {
      for (const { message } of await store.page(peer, { limit: 50 })) {
        promise(typeof message.text === 'string' && typeof message.id === 'string', 'a message is one')
      }
    }
    await store.search('message', { limit: 5 })
    await store.check()
  } finally {
    await store.close()
  }
}

const book: FuzzTarget = {
  name: 'peer-book',
  reaches: 'the file of contacts, pins and directories',
  weight: 4,
  isAsync: true,
  seeds: () => [
    asIs(
      Buffer.from(
        JSON.stringify({
          port: 4001,
          nickname: 'anna',
          contacts: {
            a: { peer: 'a', name: 'bob', sinceMs: 1, addresses: ['/ip4/1.2.3.4/tcp/1'], verified: { sinceMs: 2 } }
          },
          blocked: { b: { peer: 'b', name: 'c' } },
          ignored: {},
          pins: { '/ip4/1.2.3.4/tcp/1': 'a' },
          directories: ['/ip4/1.2.3.4/tcp/8000']
        })
      )
    ),
    asIs(Buffer.from('{"contacts":{"__proto__":{}}}')),
    choices(4, 1, 2, 3, 4, 5)
  ],
  async run(input) {
    const file = fileIn('book.json')
    writeFileSync(file, bytesOf(input, someBook))
    const opened = await allowAsync([PeerBookDamagedError], async () => PeerBook.open(file))
    if (opened === undefined) return
    for (const { peer, name, sinceMs, addresses } of opened.contacts()) {
      promise(typeof peer === 'string' && typeof name === 'string' && typeof sinceMs === 'number', 'a contact is one')
      promise(
        addresses.every((address) => typeof address === 'string'),
        'its addresses are text'
      )
    }
    for (const { peer, name } of opened.blocked()) {
      promise(typeof peer === 'string' && typeof name === 'string', 'a blocked peer is one')
    }
    promise(
      opened.directories().every((address) => typeof address === 'string'),
      'directories are text'
    )
    await opened.accept('somebody', 'a name', 1)
    await opened.rememberDirectory('/ip4/192.0.2.1/tcp/8000')
    same((await PeerBook.open(file)).contacts(), opened.contacts(), 'a book is read as it was written')
  },
  stop
}

function someBook(reader: InputReader): Uint8Array {
  const value = (): unknown =>
    reader.oneOf<unknown>([
      reader.text(10),
      reader.safe(),
      reader.flag(),
      null,
      [],
      {},
      ['/ip4/1.2.3.4/tcp/1'],
      { sinceMs: 1 }
    ])
  const entry = (): unknown => ({
    peer: reader.byte() < 200 ? 'a' : value(),
    name: reader.byte() < 200 ? reader.text(10) : value(),
    sinceMs: reader.byte() < 200 ? 1 : value(),
    addresses: reader.byte() < 200 ? [reader.text(10)] : value(),
    ...(reader.flag() ? { verified: value() } : {})
  })
  const table = (): unknown =>
    reader.byte() < 220 ? Object.fromEntries(reader.list(4, () => [reader.text(6), entry()])) : value()
  return Buffer.from(
    JSON.stringify({
      port: value(),
      nickname: value(),
      contacts: table(),
      blocked: table(),
      ignored: table(),
      pins: reader.flag() ? Object.fromEntries(reader.list(3, () => [reader.text(6), value()])) : value(),
      directories: value()
    })
  )
}

const identity: FuzzTarget = {
  name: 'identity-file',
  reaches: 'the file of the private key, with and without a passphrase',
  weight: 4,
  isAsync: true,
  seeds: async () => [
    asIs(encodeOpenKey(fixedKey(1))),
    asIs(await encodeLockedKey(fixedKey(1), 'a passphrase of four words')),
    choices(0)
  ],
  async run(input) {
    const file = fileIn('identity.key')
    writeFileSync(
      file,
      bytesOf(input, () => encodeOpenKey(fixedKey(1)))
    )
    const stored = await allowAsync([UsageError], async () => readIdentity(file))
    if (stored?.state === 'open') await stored.key.sign(Uint8Array.of(1))
    // Deriving a key takes a second on purpose; what a file may ask for is bounded when it is read.
    else if (stored !== undefined) promise(stored.peer !== '', 'a locked key names its peer')
  },
  stop
}

const archiveRules = new Map(['identity.key', 'book.json', 'history.db'].map((name) => [name, { maxBytes: 4096 }]))

async function archiveOf(files: readonly (readonly [name: string, content: Uint8Array])[]): Promise<Buffer> {
  const entries = files.map(([name, bytes]) => ({ name, sizeBytes: bytes.length, content: piecesOf(bytes) }))
  const parts: Uint8Array[] = []
  for await (const part of encodeTar(entries, 0)) parts.push(part)
  return Buffer.concat(parts)
}

async function* piecesOf(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** An archive of the known names and of others, changed in a few places with its checksums made right again. */
async function someArchive(reader: InputReader): Promise<Uint8Array> {
  const names = [...archiveRules.keys(), '../evil', '/etc/passwd', reader.text(9).replaceAll(/[^ -~]/gu, '?')]
  const files = reader.list(3, () => [reader.oneOf(names), reader.some(60)] as const)
  const bytes = await archiveOf(files)
  for (let left = reader.below(4); left > 0; left--) {
    const block = reader.below(bytes.length / 512) * 512
    bytes.set(reader.some(6).subarray(0, 6), block + reader.oneOf([0, 100, 124, 135, 156, 257, 345]))
    bytes.fill(0x20, block + 148, block + 156)
    const sum = bytes.subarray(block, block + 512).reduce((total, byte) => total + byte, 0)
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, block + 148, 'latin1')
  }
  return reader.byte() < 200 ? bytes : bytes.subarray(0, reader.below(bytes.length))
}

const archive: FuzzTarget = {
  name: 'profile-archive',
  reaches: 'the archive in an exported profile',
  isAsync: true,
  seeds: async () => [
    asIs(await archiveOf([['identity.key', encodeOpenKey(fixedKey(1))]])),
    choices(2, 0, 5, 1, 2, 3, 4, 5),
    choices(1, 3, 9)
  ],
  async run(input) {
    const isRaw = ((input[0] ?? 0) & 1) === 0
    const bytes = isRaw ? input.subarray(1) : await someArchive(new InputReader(input.subarray(1)))
    await allowAsync([ArchiveError], async () => {
      let unpacked = 0
      for await (const { name, sizeBytes, content } of decodeTar(piecesOf(bytes, 313), archiveRules)) {
        promise(archiveRules.has(name), 'only known names come out')
        for await (const part of content) unpacked += part.length
        promise(sizeBytes <= 4096, 'no file is larger than it may be')
      }
      promise(unpacked <= bytes.length, 'nothing grows by being unpacked')
    })
  },
  stop
}

let wholeCopy: Promise<Buffer> | undefined

const foreignHistory: FuzzTarget = {
  name: 'foreign-history',
  reaches: 'the history in an exported profile, before it is opened',
  weight: 12,
  isAsync: true,
  cpuMs: 4000,
  seeds: () => [choices(1, 0, 0, 0, 1, 9), choices(2, 200, 1, 2, 3, 4), asIs(Buffer.from('SQLite format 3\0'))],
  async run(input) {
    wholeCopy ??= makeHistory()
    const whole = await wholeCopy
    const isRaw = ((input[0] ?? 0) & 1) === 0
    const file = fileIn('foreign.db')
    writeFileSync(file, isRaw ? input.subarray(1) : damaged(whole, new InputReader(input.subarray(1))))
    allow([StorageError], () => checkForeignHistory(file))
    rmSync(file)
  },
  async stop() {
    wholeCopy = undefined
    await stop()
  }
}

export const targets: readonly FuzzTarget[] = [history, book, identity, archive, foreignHistory]
