/**
 * What others share: the first page of a folder of 100,000 files, and a search over 50 contacts with 20,000 files each to
 * the last hit, over TCP, Noise and Yamux on loopback with all ends in this process; and how fast a share is read, beside
 * `sha256sum` in the same run.
 *
 * Run: npm run bench -- shares [--json FILE] [--smoke]
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { noise } from '@chainsafe/libp2p-noise'
import type { Connection, Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { OwnShares } from '../src/node/shares/own-shares.ts'
import { RemoteShares } from '../src/node/shares/remote-shares.ts'
import { ShareBook } from '../src/node/shares/share-book.ts'
import { foundOf, ShareIndex, ShareLink, shares, type IndexedFile, type SharedWith } from '../src/share/index.ts'
import { boundedYamux } from '../src/transport/index.ts'
import { Report, reportOptions } from './report.ts'

const { values } = parseArgs({ options: reportOptions })
const LARGE_FOLDER = values.smoke ? 1_000 : 100_000
const CONTACTS = values.smoke ? 5 : 50
const FILES_EACH = values.smoke ? 200 : 20_000
const READ_MEGABYTES = values.smoke ? 4 : 1_024
const ROUNDS = values.smoke ? 1 : 5
const MEGABYTE = 1024 * 1024
const FILE_MEGABYTES = 64

const words = ['autumn', 'budget', 'concert', 'draft', 'evening', 'forest', 'garden', 'harbour', 'island', 'journey']

function filesOf(count: number, salt: number): readonly IndexedFile[] {
  return Array.from({ length: count }, (_, at) => ({
    path: `${words[at % 10] ?? ''}/${words[(at * 7 + salt) % 10] ?? ''} of s${String(salt).padStart(3, '0')} number ${at}.jpg`,
    sizeBytes: at,
    modifiedAtMs: 1,
    file: salt.toString(16).padStart(32, '0') + at.toString(16).padStart(32, '0')
  }))
}

/** One share that anyone may see. */
function sharing(index: ShareIndex): SharedWith {
  return {
    list: (_peer, path, after) => {
      const page = index.page(path, after)
      return page === undefined ? undefined : { ...page, snapshot: 1 }
    },
    find: (_peer, sought) =>
      foundOf(index.find(sought).flatMap(({ file, ...one }) => (file === undefined ? [] : [{ ...one, file }])))
  }
}

async function node(sharedWith: SharedWith): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux()],
    // No limit of rates is measured here.
    services: { shares: shares(sharedWith, fastClock()) }
  })
}

/** An hour goes by between two looks at it. */
function fastClock(): () => number {
  let nowMs = 0
  return () => (nowMs += 3_600_000)
}

async function millisecondsOf(run: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now()
  await run()
  return performance.now() - startedAtMs
}

async function measureBrowse(report: Report, looker: Libp2p): Promise<void> {
  const flat = Array.from({ length: LARGE_FOLDER }, (_, at): IndexedFile => ({
    path: `photograph ${at}.jpg`,
    sizeBytes: at,
    modifiedAtMs: 1,
    file: undefined
  }))
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    // A new index each time: names are put in order when a folder is first asked for.
    const sharer = await node(sharing(new ShareIndex(flat)))
    const connection = await looker.dial(sharer.getMultiaddrs())
    const took = await millisecondsOf(async () => {
      const link = await ShareLink.open(connection, AbortSignal.timeout(60_000))
      await link.list('')
    })
    rounds.push(took)
    await sharer.stop()
  }
  report.goal('browseFirstPage', report.figure(`first page of a folder of ${LARGE_FOLDER} files`, 'ms', rounds))
}

async function measureSearch(report: Report, looker: Libp2p): Promise<void> {
  const connections = new Map<string, Connection>()
  for (let salt = 1; salt <= CONTACTS; salt++) {
    const sharer = await node(sharing(new ShareIndex(filesOf(FILES_EACH, salt))))
    connections.set(sharer.peerId.toString(), await looker.dial(sharer.getMultiaddrs()))
  }
  const remote = new RemoteShares({
    network: {
      connection: (peer) => connections.get(peer),
      connect: async () => {
        throw new Error('all are connected')
      }
    },
    reachable: () => [...connections.keys()],
    label: (peer) => peer,
    take: async () => []
  })
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    let found = 0
    rounds.push(
      await millisecondsOf(async () => {
        // At nine contacts one file each has both: too few, so that all are asked.
        const { asked, files } = await remote.find([`${FILES_EACH - 1 - round}.jpg`, 's00'])
        found = asked
        if (files.length === 0) throw new Error('nothing was found')
      })
    )
    if (found < CONTACTS) throw new Error(`only ${found} answered`)
  }
  report.goal(
    'searchLastHit',
    report.figure(`search over ${CONTACTS} contacts with ${FILES_EACH} files each`, 'ms', rounds)
  )
}

async function measureReading(report: Report): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-shares-'))
  try {
    const paths = Array.from({ length: Math.max(1, READ_MEGABYTES / FILE_MEGABYTES) }, (_, at) => join(folder, `${at}`))
    const bytes = randomBytes(Math.min(READ_MEGABYTES, FILE_MEGABYTES) * MEGABYTE)
    for (const path of paths) writeFileSync(path, bytes)
    const own: number[] = []
    const sums: number[] = []
    const megabytes = (paths.length * bytes.byteLength) / MEGABYTE
    for (let round = 0; round < Math.min(ROUNDS, 3); round++) {
      const [took] = [await millisecondsOf(async () => readShare(folder))]
      own.push((megabytes * 1_000) / took)
      const sum = await millisecondsOf(async () => void execFileSync('sha256sum', paths))
      sums.push((megabytes * 1_000) / sum)
    }
    const rate = report.figure('a share is read and hashed', 'MiB/s', own)
    const sumRate = report.figure('sha256sum of the same files', 'MiB/s', sums)
    report.goal('shareOverSum', rate === undefined || sumRate === undefined ? undefined : rate / sumRate)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function readShare(folder: string): Promise<void> {
  const own = new OwnShares({
    book: await ShareBook.open(''),
    folder: '',
    ownFolders: [],
    isBlocked: () => false,
    isContact: () => true,
    isLan: () => true,
    tell: () => undefined
  })
  await own.start()
  await own.add(folder, { name: 'bench' })
  await own.look('bench')
  await own.stop()
}

const report = new Report()
report.note('both ends in one process')
const looker = await node({ list: () => undefined, find: () => ({ hits: [], hasMore: false }) })
await measureBrowse(report, looker)
await measureSearch(report, looker)
await measureReading(report)
report.finish()
process.exit(0)
