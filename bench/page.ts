/**
 * Goal 14: how soon the roster page shows who has come and gone, and for how long it is busy while 500 peers join. A
 * real directory, its page in a headless Chromium; where there is none, nothing is measured.
 *
 * Run: npm run bench -- page [--rounds 5] [--peers 500] [--json FILE] [--smoke]
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { JsonParley, randomNetwork } from '../test/fault/json-parley.ts'
import { NoBrowserError, openPage, startBrowser } from '../test/integration/browser.ts'
import { crowd, CrowdPeer } from '../test/integration/crowd.ts'
import { freePort } from '../test/processes/ports.ts'
import { builtParley } from './built.ts'
import { goals } from './goals.ts'
import { Report, reportOptions } from './report.ts'

const { values } = parseArgs({
  options: {
    ...reportOptions,
    rounds: { type: 'string', default: '5' },
    peers: { type: 'string', default: '500' }
  }
})
const rounds = values.smoke ? 1 : Number(values.rounds)
const peers = values.smoke ? 5 : Number(values.peers)
const lookEveryMs = 10

const joins: number[] = []
const leaves: number[] = []
const busy: number[] = []
const report = new Report()
report.note(`${rounds} rounds; ${peers} peers`)
await builtParley()
const browser = await browserIfAny()
if (browser !== undefined) {
  try {
    await measure(browser)
  } finally {
    await browser.close()
  }
}
report.goal('pageJoin', report.figure(goals.pageJoin.name, 'ms', joins))
report.goal('pageLeave', report.figure(goals.pageLeave.name, 'ms', leaves))
report.goal('pageBusy', report.figure(goals.pageBusy.name, 'ms', busy))
report.finish()

async function browserIfAny(): Promise<Browser | undefined> {
  try {
    return await startBrowser()
  } catch (error) {
    if (!(error instanceof NoBrowserError)) throw error
    report.note(error.message)
    return undefined
  }
}

async function measure(at: Browser): Promise<void> {
  const [network, port, http] = [randomNetwork(), await freePort(), await freePort()]
  const args = ['directory', '--port', `${port}`, '--http', `${http}`]
  const directory = await JsonParley.spawn({ network, args })
  try {
    await directory.until('"listening"', () => directory.events.find(({ event }) => event === 'listening'))
    const watched = await openPage(at, `http://127.0.0.1:${http}/`)
    for (let round = 0; round < rounds; round++) {
      const name = `peer of round ${round}`
      const peer = await CrowdPeer.connect(port, network)
      const announcedMs = Date.now()
      await peer.announce(name)
      joins.push((await moment(() => watched.shownAt(name))) - announcedMs)
      const withdrawnMs = Date.now()
      await peer.withdraw()
      leaves.push((await moment(() => watched.goneAt(name))) - withdrawnMs)
      await peer.stop()
    }
    const all = await crowd(port, network, peers)
    await watched.page.locator('.number', { hasText: new RegExp(`^${peers}$`, 'u') }).waitFor()
    busy.push(await watched.longestTaskMs())
    await Promise.all(all.map(async (peer) => peer.stop()))
  } finally {
    await directory.kill()
    await directory.stop()
  }
}

/** Once the page has shown a text, or has let go of it: when. */
async function moment(ask: () => Promise<number | undefined>): Promise<number> {
  for (;;) {
    const atMs = await ask()
    if (atMs !== undefined) return atMs
    await sleep(lookEveryMs)
  }
}
