/**
 * What watchers of pages and queries cost a directory: one change a flush among
 * many peers, and so many watchers, each with a query of its own. The roster's
 * view alone, without streams.
 *
 * Run: npm run bench -- directory-watchers [--peers 1000,10000] [--watchers 256] [--json FILE] [--smoke]
 */

import { parseArgs } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { Roster, sealRecord } from '../src/presence/index.ts'
import type { RosterEntry } from '../src/presence/index.ts'
import { SortedRoster, difference } from '../src/directory/server/sorted-roster.ts'
import { median, round, whereMeasured } from './bench-process.ts'
import { Report, reportOptions } from './report.ts'

const { values } = parseArgs({
  options: {
    ...reportOptions,
    peers: { type: 'string' },
    watchers: { type: 'string', default: '256' },
    flushes: { type: 'string' }
  }
})
const watchers = Number(values.watchers)
const flushes = Number(values.flushes ?? (values.smoke ? 2 : 50))
const rows: string[][] = []
for (const peers of (values.peers ?? (values.smoke ? '50' : '1000,10000')).split(',').map(Number)) {
  const entries = await rosterOf(peers)
  for (const [pageOf, limit] of [
    ['20', 20],
    ['all that match', 0]
  ] as const) {
    const flushMs = measure(entries, limit)
    rows.push([String(peers), String(watchers), pageOf, round(flushMs), round(anewMs(entries))])
  }
}
const report = new Report()
process.stdout.write(
  `${whereMeasured()}\n\n` +
    `${report.table(['peers', 'watchers', 'page', 'ms per flush', 'ms to order and search once, from nothing'], rows, 3)}\n\n`
)
report.finish()

async function rosterOf(peers: number): Promise<readonly RosterEntry[]> {
  const roster = new Roster()
  for (let i = 0; i < peers; i++) {
    const init = { seq: 1n, issuedAtMs: 0, status: '', addresses: [], capabilities: [], network: 'bench' }
    const record = await sealRecord({ ...init, nickname: nickname(i) }, await generateKeyPair('Ed25519'))
    roster.announce(record, { source: 'A', nowMs: 0 })
  }
  return roster.entries()
}

/** Names in which each query of two letters is found about as often. */
function nickname(i: number): string {
  return `${((i * 2_654_435_761) >>> 0).toString(36)} ${i.toString(36)}`
}

/** @returns what one change costs when it goes to all watchers */
function measure(entries: readonly RosterEntry[], limit: number): number {
  const view = new SortedRoster(entries)
  const alphabet = 'abcdefghijklmnop'
  const ranges = Array.from({ length: watchers }, (_, i) => ({
    query: `${alphabet[i % 16] ?? ''}${alphabet[Math.floor(i / 16) % 16] ?? ''}`,
    offset: 0,
    limit
  }))
  const pages = ranges.map((range) => view.page(range))
  const flushMs: number[] = []
  for (let flush = 0; flush < flushes; flush++) {
    const entry = entries[(flush * 7_919) % entries.length]
    if (entry === undefined) break
    const startedAtMs = performance.now()
    view.update(entry.peer, flush % 2 === 0 ? undefined : entry)
    for (const [i, range] of ranges.entries()) {
      const page = view.page(range)
      const before = pages[i]
      if (before === undefined || page.version === before.version) continue
      difference(before.entries, page.entries)
      pages[i] = page
    }
    flushMs.push(performance.now() - startedAtMs)
  }
  return median(flushMs)
}

function anewMs(entries: readonly RosterEntry[]): number {
  const times = Array.from({ length: 5 }, () => {
    const startedAtMs = performance.now()
    new SortedRoster(entries).page({ query: 'a', offset: 0, limit: 20 })
    return performance.now() - startedAtMs
  })
  return median(times)
}
