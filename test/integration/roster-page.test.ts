// The roster page in a real browser, shown by real directories, of real peers.
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { HostedParley } from '../processes/hosted-parley.ts'
import type { ParleyProcess } from '../processes/parley-process.ts'
import type { ParleyRun } from '../processes/parley-run.ts'
import { freePort, freePorts } from '../processes/ports.ts'
import { TestBed, type HostOptions } from '../processes/test-bed.ts'
import { openPage, startBrowser, type PageOptions, type WatchedPage } from './browser.ts'
import { crowd, CrowdPeer } from './crowd.ts'

let browser: Browser
let bed: TestBed
let pages: WatchedPage[]

beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(async () => browser.close())
beforeEach(async () => {
  bed = await TestBed.make()
  pages = []
})
afterEach(async () => {
  await Promise.all(pages.map(async ({ page }) => page.context().close()))
  await bed[Symbol.asyncDispose]()
})

interface ShownDirectory<Run extends ParleyRun = HostedParley> {
  readonly process: Run
  readonly port: number
  readonly url: string
  readonly shortId: string
}

interface DirectoryOptions {
  readonly port?: number
  readonly http?: number
  readonly home?: string
  readonly args?: readonly string[]
}

async function directory(options: DirectoryOptions = {}): Promise<ShownDirectory> {
  return whenListening(options, async (args, rest) => bed.host(args, rest))
}

/** One in a process of its own, which can be killed. */
async function directoryProcess(options: DirectoryOptions = {}): Promise<ShownDirectory<ParleyProcess>> {
  return whenListening(options, async (args, rest) => bed.start(args, rest))
}

async function whenListening<Run extends ParleyRun>(
  options: DirectoryOptions,
  start: (args: readonly string[], options: HostOptions) => Promise<Run>
): Promise<ShownDirectory<Run>> {
  const { port = await freePort(), http = 0, home, args = [] } = options
  const process = await start(['directory', '--port', String(port), '--http', String(http), ...args], {
    name: `directory ${port}`,
    ...(home === undefined ? {} : { home })
  })
  const listening = await process.shows(/^directory (\S+) listening on /u)
  const link = await process.shows(/^roster page: (http:\/\/127\.0\.0\.1:\d+\/)$/u)
  return { process, port, url: link.match[1] ?? '', shortId: listening.match[1] ?? '' }
}

async function look(url: string, options: PageOptions = {}): Promise<WatchedPage> {
  const watched = await openPage(browser, url, options)
  pages.push(watched)
  return watched
}

async function peerAt({ port }: Pick<ShownDirectory, 'port'>): Promise<CrowdPeer> {
  const peer = await CrowdPeer.connect(port, bed.network)
  bed.defer(async () => peer.stop())
  return peer
}

async function chatter(name: string, port: number): Promise<HostedParley> {
  const client = await bed.host(['--json', '--name', name], { name, env: { PARLEY_DIRECTORY: String(port) } })
  await client.event('ready')
  return client
}

/** Waits until the page has shown the text, or has let go of it. */
async function moment(ask: () => Promise<number | undefined>): Promise<void> {
  await expect.poll(ask).toBeTypeOf('number')
}

function blameless({ errors, elsewhere }: WatchedPage): void {
  expect(errors).toEqual([])
  expect(elsewhere).toEqual([])
}

describe('a peer', () => {
  test('that joins is on the page, and one that leaves is gone', async () => {
    const there = await directory()
    const watched = await look(there.url)
    for (const name of ['one', 'two', 'three']) {
      const peer = await peerAt(there)
      await peer.announce(name)
      await moment(async () => watched.shownAt(name))
      await peer.withdraw()
      await moment(async () => watched.goneAt(name))
    }
    blameless(watched)
  })

  test('of a real chat comes, changes its status, and goes', async () => {
    const there = await directory()
    const watched = await look(there.url)
    const anna = await chatter('anna', there.port)
    await moment(async () => watched.shownAt('anna'))
    const row = watched.page.locator('.person')
    expect(await row.count()).toBe(1)
    expect(await row.textContent()).toMatch(/anna.*LAN/u)
    anna.type('{"do":"status","text":"in the kitchen"}')
    await moment(async () => watched.shownAt('in the kitchen'))
    anna.type('{"do":"quit"}')
    await moment(async () => watched.goneAt('anna'))
    expect(await watched.page.locator('.lately li').first().textContent()).toMatch(/anna.*left/u)
    blameless(watched)
  })

  test('that is killed is shown as lost', async () => {
    const there = await directory()
    const watched = await look(there.url)
    const anna = await bed.start(['--json', '--name', 'anna'], { env: { PARLEY_DIRECTORY: String(there.port) } })
    await moment(async () => watched.shownAt('anna'))
    await anna.kill()
    await moment(async () => watched.goneAt('anna'))
    expect(await watched.page.locator('.lately li').first().textContent()).toMatch(/anna.*lost/u)
  })

  test('whose nickname is markup has it shown as text, everywhere', async () => {
    const there = await directory()
    const watched = await look(there.url)
    const name = `<img src=x onerror="document.title='owned'"><b>bob</b>`
    const peer = await peerAt(there)
    await peer.announce(name, '<script>document.title="owned"</script>')
    await moment(async () => watched.shownAt(name))
    await watched.page.locator('.person').click()
    expect(await watched.page.locator('.details h2').textContent()).toBe(name)
    expect(await watched.page.locator('.details .status').textContent()).toContain('<script>')
    expect(await watched.page.locator('main img, main b, main script').count()).toBe(0)
    await watched.page.locator('canvas').hover()
    expect(await watched.page.title()).toMatch(/^1 online/u)
    blameless(watched)
  })

  test('whose name looks like that of another is marked, and the details list the other ID', async () => {
    const shown = await directory()
    const [victor, imitator, other] = [await peerAt(shown), await peerAt(shown), await peerAt(shown)]
    await Promise.all([victor.announce('victor'), imitator.announce('v\u0456ct0r'), other.announce('walter')])
    const { page } = await look(shown.url)
    await page.locator('.person').nth(2).waitFor()
    expect(await page.locator('.person', { has: page.locator('.alike') }).count()).toBe(2)
    await page.locator(`[data-peer="${imitator.peer}"]`).click()
    const told = page.locator('.details .alike')
    expect(await told.textContent()).toBe(
      `! another peer has a name that looks like this one: compare IDs. ${victor.peer.slice(8, 20)} `
    )
    expect(await page.locator(`[data-peer="${other.peer}"] .alike`).count()).toBe(0)
  })

  test('whose nickname hides and reorders letters is shown without that', async () => {
    const there = await directory()
    const watched = await look(there.url)
    const peer = await peerAt(there)
    await peer.announce('an\u202Ean\u200Ba')
    await moment(async () => watched.shownAt('anana'))
  })
})

test('150 peers come on the page, which draws those in sight, and can be searched', async () => {
  // Beside 150 peers in this process.
  const there = await directoryProcess()
  const early = await look(there.url)
  const peers = await crowd(there.port, bed.network, 150)
  bed.defer(async () => Promise.all(peers.map(async (peer) => peer.stop())))
  const number = (watched: WatchedPage): Promise<string | null> => watched.page.locator('.number').textContent()
  await expect.poll(async () => number(early)).toBe('150')

  const fresh = await look(there.url)
  await expect.poll(async () => number(fresh)).toBe('150')
  const drawn = await fresh.page.locator('.person').count()
  expect(drawn).toBeGreaterThan(5)
  expect(drawn).toBeLessThan(60)
  await fresh.page.locator('.people').press('End')
  expect(await fresh.page.locator('.person[aria-selected=true]').getAttribute('aria-posinset')).toBe('150')
  await fresh.page.locator('input[type=search]').fill('peer 14')
  await expect.poll(async () => fresh.page.locator('.found').textContent()).toBe('12 of 150 peers')
  blameless(early)
  blameless(fresh)
})

test('a directory that is restarted is found again by the page itself, which says so meanwhile', async () => {
  const [port = 0, http = 0] = await freePorts(2)
  const home = bed.home()
  const first = await directoryProcess({ port, http, home })
  const anna = await chatter('anna', port)
  const { page, ...watched } = await look(first.url)
  await moment(async () => watched.shownAt('anna'))
  await first.process.kill()
  const banner = page.locator('.banner')
  await banner.waitFor()
  await expect.poll(async () => banner.textContent()).toMatch(/does not answer.*as of.*Reconnecting in \d+ s/u)
  expect(await page.locator('.pill').textContent()).toMatch(/Offline|Connecting/u)
  expect(await page.locator('[data-live=link]').textContent()).toBe('The directory does not answer. Reconnecting.')
  // What was known stays to be seen.
  expect(await page.locator('.person .name').textContent()).toBe('anna')

  await directory({ port, http, home })
  await page.waitForSelector('[data-link=live]')
  await banner.waitFor({ state: 'detached' })
  expect(await page.locator('[data-live=link]').textContent()).toBe('Connected to the directory.')
  await expect.poll(async () => page.locator('.person .name').allTextContents()).toEqual(['anna'])
  anna.type('{"do":"quit"}')
  await expect.poll(async () => page.locator('.person').count()).toBe(0)
  expect(watched.elsewhere).toEqual([])
  // The browser's own words for a connection that could not be made, and nothing else.
  expect(watched.errors.filter((text) => !text.startsWith('Failed to load resource: net::ERR_'))).toEqual([])
})

test('peers of a directory that joined are on the page, by way of it', async () => {
  const first = await directory()
  const second = await directoryProcess({ args: ['--join', String(first.port)] })
  const watched = await look(first.url)
  const peer = await peerAt(second)
  await peer.announce('bob from afar')
  await moment(async () => watched.shownAt('bob from afar'))
  const { page } = watched
  await page.locator('.person').click()
  expect(await page.locator('.details').textContent()).toContain(second.shortId)
  await expect
    .poll(async () => page.locator('.directories li').allTextContents())
    .toEqual([
      expect.stringMatching(`${first.shortId}this one0 peers`),
      expect.stringMatching(`${second.shortId}connected1 peer`)
    ])
  await second.process.kill()
  await expect.poll(async () => page.locator('.directories .lost').count()).toBe(1)
  await moment(async () => watched.goneAt('bob from afar'))
  // It stays, marked as lost, in the list and in the picture.
  const lost = page.locator('.directories .lost')
  expect(await lost.textContent()).toMatch(new RegExp(`^${second.shortId}lost (?:just now|\\d+ min ago)0 peers$`, 'u'))
  expect(await page.locator('.legend .lost').count()).toBe(1)
  expect(await page.locator('.counts').textContent()).toContain('1 directory1 lost')
  expect(await page.locator('canvas').getAttribute('aria-label')).toContain('2 directories')
  blameless(watched)
})

describe('the page', () => {
  test('says that it is connecting until it is, and that it is not connected where it can’t be', async () => {
    const there = await directory()
    const context = await browser.newContext()
    bed.defer(async () => context.close())
    const page = await context.newPage()
    const held = Promise.withResolvers<() => Promise<void>>()
    let isFirst = true
    await page.route('**/api/events*', async (route) => {
      if (!isFirst) return route.abort()
      isFirst = false
      held.resolve(async () => route.abort())
    })
    await page.goto(there.url)
    const refuse = await held.promise
    const text = async (): Promise<string> => page.locator('body').innerText()
    expect(await text()).toContain('Connecting …')
    expect(await page.title()).toBe('Connecting … · Parley')
    for (const wrong of ['online', 'Nothing has happened']) expect(await text()).not.toContain(wrong)
    await refuse()
    await expect.poll(async () => page.locator('h1').innerText()).toBe('Not connected')
    expect(await page.locator('.banner').innerText()).toMatch(/does not answer\. Reconnecting/u)
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.unroute('**/api/events*')
    await page.waitForSelector('[data-link=live]')
    await expect.poll(async () => page.locator('h1').innerText()).toBe('0 online')
  })

  test('says how to join while nobody is there, and how to talk to whom one looks at, to be copied', async () => {
    const there = await directory({ args: ['--host', '127.0.0.1'] })
    const watched = await look(there.url)
    const { page } = watched
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const copied = async (): Promise<unknown> => page.evaluate('navigator.clipboard.readText()')
    const join = `parley --directory ${there.port} --network ${bed.network}`
    const empty = page.locator('.people .empty')
    expect(await empty.innerText()).toMatch(/^Nobody is online yet\..*To join on this machine:/su)
    await empty.getByRole('button', { name: 'Copy' }).click()
    await empty.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await copied()).toBe(join)
    await (await peerAt(there)).announce('anna')
    await page.locator('.person').click()
    expect(await page.locator('.directories .command code').innerText()).toBe(join)
    await page.locator('.details').getByRole('button', { name: 'Copy' }).click()
    await expect.poll(copied).toBe('parley chat 192.168.1.7 4001')
    blameless(watched)
  })

  test('is used by keys alone, and tells a screen reader what is chosen', async () => {
    const there = await directory()
    const watched = await look(there.url)
    const { page } = watched
    for (const name of ['anna', 'bob', 'carol']) await (await peerAt(there)).announce(name)
    await moment(async () => watched.shownAt('carol'))
    const focused = async (): Promise<unknown> => page.evaluate('document.activeElement.getAttribute("aria-label")')
    const chosen = async (): Promise<unknown> =>
      page.evaluate(
        'document.getElementById(document.querySelector("[role=listbox]").getAttribute("aria-activedescendant"))?.querySelector(".name").textContent'
      )
    await page.keyboard.press('/')
    expect(await focused()).toBe('Search people')
    await page.keyboard.press('ArrowDown')
    expect([await focused(), await chosen()]).toEqual(['Peers', 'anna'])
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    expect(await chosen()).toBe('carol')
    await page.keyboard.press('ArrowDown')
    expect(await chosen()).toBe('carol')
    await page.keyboard.press('Home')
    expect(await chosen()).toBe('anna')
    expect(await page.getByRole('region', { name: 'Details of anna' }).count()).toBe(1)
    await page.keyboard.press('Escape')
    expect(await page.locator('.details').count()).toBe(0)
    expect(await page.getByRole('option').count()).toBe(3)
    for (const landmark of ['banner', 'navigation', 'main', 'complementary'] as const) {
      expect(await page.getByRole(landmark, { includeHidden: true }).count(), landmark).toBe(1)
    }
    await expect.poll(async () => page.locator('[data-live=happenings]').textContent()).not.toBe('')
    blameless(watched)
  })

  test('has the theme of the system, and another when it is asked for, which it remembers', async () => {
    const there = await directory()
    const { page } = await look(there.url, { colorScheme: 'dark' })
    const ground = async (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const dark = await ground()
    await page.getByRole('button', { name: /^Theme/u }).click()
    const light = await ground()
    expect(light).not.toBe(dark)
    await page.reload()
    await page.waitForSelector('[data-link=live]')
    expect(await ground()).toBe(light)
  })

  test('fits on a telephone', async () => {
    const there = await directory()
    const { page, ...watched } = await look(there.url, { width: 375, height: 700 })
    await (await peerAt(there)).announce(`W${'w'.repeat(63)}`, 'x'.repeat(140))
    await page.waitForSelector('.person')
    const overflow = async (): Promise<unknown> => page.evaluate('document.documentElement.scrollWidth - innerWidth')
    for (const part of ['Picture', 'Lately', 'People']) {
      await page.getByRole('button', { name: part }).click()
      expect(await overflow(), part).toBe(0)
    }
    // However long the name, its ID and what happened are seen whole.
    await page.getByRole('button', { name: 'Lately' }).click()
    const row = page.locator('.lately li').first()
    const edge = await row.locator('time').evaluate((time) => time.getBoundingClientRect().left)
    for (const part of [row.locator('code'), row.getByText('joined')]) {
      expect(await part.evaluate((one) => one.scrollWidth <= one.clientWidth || one.clientWidth === 0)).toBe(true)
      expect(await part.evaluate((one) => one.getBoundingClientRect().right)).toBeLessThanOrEqual(edge)
    }
    // The picture has the list below it, as not every dot has room for a name.
    await page.getByRole('button', { name: 'Picture' }).click()
    expect(await page.locator('canvas').isVisible()).toBe(true)
    expect(await page.locator('.person').isVisible()).toBe(true)
    await page.getByRole('button', { name: 'People' }).click()
    await page.locator('.person').click()
    expect(await page.locator('.details').isVisible()).toBe(true)
    expect(await overflow()).toBe(0)
    expect(watched.errors).toEqual([])
  })
})

describe('parley directory', () => {
  test('takes the next free port for its page, and says which is taken when it was asked for', async () => {
    const [port = 0, http = 0] = await freePorts(2)
    const first = await directory({ port, http })
    const usual = await bed.host(['directory', '--port', String(http - 80)], { env: { PARLEY_HTTP: '' } })
    const link = await usual.shows(/^roster page: http:\/\/127\.0\.0\.1:(\d+)\/$/u)
    expect(Number(link.match[1])).toBeGreaterThan(http)
    const taken = await bed.command([
      'directory',
      '--port',
      String(await freePort()),
      '--http',
      new URL(first.url).port
    ])
    expect(taken.code, taken.told).toBe(10)
    expect(taken.stderr).toMatch(
      new RegExp(`port ${http} is taken by another program: choose another with --http`, 'u')
    )
  })

  test('shows no page when none is wanted, and refuses what is no port', async () => {
    const off = await bed.host(['directory', '--port', String(await freePort()), '--no-http', '--json'])
    expect(await off.event('listening')).toMatchObject({ pages: [] })
    const wrong = await bed.command(['directory', '--http', '99999'])
    expect(wrong.code, wrong.told).toBe(2)
    expect(wrong.stderr).toMatch(/--http: "99999".*expected a port/u)
  })
})
