// A real browser for the roster page: Debian's headless Chromium, driven by
// playwright-core. Every page is watched: what it logs as an error, what it asks
// of anybody but its directory, and how long it is busy without a pause.
import { existsSync } from 'node:fs'
import { chromium, type Browser, type Page } from 'playwright-core'

const programs = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium', '/usr/bin/google-chrome']

export class NoBrowserError extends Error {
  override readonly name = 'NoBrowserError'

  constructor() {
    super(`none of ${programs.join(', ')} is there: apt-get install chromium-headless-shell`)
  }
}

/** @throws NoBrowserError: a page that was not looked at was not tested */
export async function startBrowser(): Promise<Browser> {
  const executablePath = programs.find((path) => existsSync(path))
  if (executablePath === undefined) throw new NoBrowserError()
  return chromium.launch({ executablePath, args: ['--no-sandbox'] })
}

export interface WatchedPage {
  readonly page: Page
  /** Errors of scripts, refusals of the content security policy, failed loads. */
  readonly errors: readonly string[]
  /** What it asked of other origins. */
  readonly elsewhere: readonly string[]
  /** The longest time for which it could not have answered a click, in milliseconds. */
  longestTaskMs(): Promise<number>
  /** When a text came into the page for the first time, by `Date.now()`; undefined when it has not. */
  shownAt(text: string): Promise<number | undefined>
  /** When a text that was in the list left it, by `Date.now()`. */
  goneAt(text: string): Promise<number | undefined>
}

export interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly colorScheme?: 'light' | 'dark'
}

/** Runs in the page: notes long tasks, and when names come into the list and leave it. */
const watchScript = `
  window.watched = { longestMs: 0, shown: {}, gone: {} }
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) watched.longestMs = Math.max(watched.longestMs, duration)
  }).observe({ type: 'longtask', buffered: true })
  const look = () => {
    const now = Date.now()
    const names = new Set()
    for (const row of document.querySelectorAll('.person')) {
      for (const part of row.querySelectorAll('.name, .says')) names.add(part.textContent)
    }
    for (const name of names) watched.shown[name] ??= now
    for (const name of Object.keys(watched.shown)) if (!names.has(name)) watched.gone[name] ??= now
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true })
`

export async function openPage(browser: Browser, url: string, options: PageOptions = {}): Promise<WatchedPage> {
  const { width = 1280, height = 800, colorScheme = 'light' } = options
  const context = await browser.newContext({ viewport: { width, height }, colorScheme })
  const page = await context.newPage()
  const errors: string[] = []
  const elsewhere: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('request', (request) => {
    const { origin } = new URL(request.url())
    if (origin !== new URL(url).origin && !request.url().startsWith('data:')) elsewhere.push(request.url())
  })
  await page.addInitScript(watchScript)
  await page.goto(url)
  await page.waitForSelector('[data-link=live]')
  const read = async (expression: string): Promise<unknown> => page.evaluate(expression)
  const time = async (what: 'shown' | 'gone', text: string): Promise<number | undefined> => {
    const at = await read(`watched.${what}[${JSON.stringify(text)}]`)
    return typeof at === 'number' ? at : undefined
  }
  return {
    page,
    errors,
    elsewhere,
    longestTaskMs: async () => Number(await read('watched.longestMs')),
    shownAt: async (text) => time('shown', text),
    goneAt: async (text) => time('gone', text)
  }
}
