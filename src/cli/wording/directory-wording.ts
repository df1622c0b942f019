// Directories in words: the state of those in use, changes of it, and what
// happens among directories, for a directory's terminal. Pure; names may be
// remote text as it came.
import { listText } from '../../lib/index.ts'
import type { FederationNotice } from '../../node/index.ts'
import { shortId } from '../../node/settings.ts'
import type { DirectoryView } from '../chat-api/chat-api.ts'
import { retryText } from './time-span.ts'

/** Findings about one directory that a list of directories names peer by peer: more say nothing new. */
const MAX_FINDING_LINES = 10

/** All of them, with what was found below each. */
export function directoryLines(views: readonly DirectoryView[], nowMs: number): string[] {
  const nameOf = (directory: string): string =>
    views.find(({ peer }) => peer === directory)?.address ?? shortId(directory)
  return views.flatMap((view) => [
    `${view.address}${view.peer === undefined ? '' : ` (${shortId(view.peer)})`}: ${directoryState(view, nowMs, nameOf)}`,
    ...findingLines(view, nameOf).map((line) => `    ${line}`)
  ])
}

/** The state of one, in one line. */
function directoryState(view: DirectoryView, nowMs: number, nameOf: (directory: string) => string): string {
  return [stateWord(view, nowMs), ...numbers(view), ...findings(view, nameOf)].join(', ')
}

function stateWord(view: DirectoryView, nowMs: number): string {
  switch (view.state) {
    case 'connected':
      return view.by === undefined ? 'connected' : `connected by ${view.by}`
    case 'connecting':
      return 'connecting'
    case 'standby':
      return `standing by, ${answeredText(view.reachedAtMs, nowMs)}`
    case 'refused':
      return `refused, ${view.why ?? 'without a reason'}${retryText(view.retryAtMs, nowMs)}`
    case 'waiting':
      return `not connected, ${view.why ?? 'no answer'}${retryText(view.retryAtMs, nowMs)}`
  }
}

/** Why a peer may be missing from the roster; undefined when a directory has reported its peers. */
export function noDirectoryText(views: readonly DirectoryView[], hasLan: boolean): string | undefined {
  if (views.some(({ state }) => state === 'connected' || state === 'refused')) return undefined
  const searched = hasLan ? 'only the local network was searched' : 'nothing was searched'
  const asked = views.filter(({ isDefault }) => !isDefault)
  if (asked.length === 0) {
    return `No directory was found, so ${searched}: --directory HOST:PORT names one`
  }
  const why = asked.map(({ address, why: reason }) => `${address}${reason === undefined ? '' : `: ${reason}`}`)
  return `No directory answers (${why.join('; ')}), so ${searched}`
}

/** A standby has no connection: all that is known is when it was last seen. */
export function answeredText(reachedAtMs: number | undefined, nowMs: number): string {
  if (reachedAtMs === undefined) return 'not tried yet'
  const minutes = Math.floor((nowMs - reachedAtMs) / 60_000)
  return minutes < 1 ? 'answered just now' : `answered ${minutes} min ago`
}

/** How many are in use, and how many of those are missing; standbys don't count. */
export function directoryCounts(views: readonly DirectoryView[]): { readonly up: number; readonly down: number } {
  return {
    up: views.filter(({ state }) => state === 'connected').length,
    down: views.filter(({ isDown, state }) => isDown && state !== 'connected').length
  }
}

function numbers({ state, rttMs, peers, total, registered }: DirectoryView): string[] {
  const rtt = rttMs === undefined || state === 'waiting' ? [] : [`${rttMs} ms`]
  const all = total === undefined ? '' : ` of ${total}`
  const told = peers === undefined ? [] : [`${peers}${all} ${peers === 1 && total === undefined ? 'peer' : 'peers'}`]
  return [...rtt, ...told, ...(registered === true ? ['registered'] : [])]
}

function findings({ findings: found }: DirectoryView, nameOf: (directory: string) => string): string[] {
  if (found === undefined) return []
  const { stale, withholds, notJoinedWith, forged } = found
  return [
    ...(withholds.length === 0 ? [] : [`withholds ${withholds.length}`]),
    ...(stale.length === 0 ? [] : [`stale about ${stale.length}`]),
    ...(notJoinedWith.length === 0 ? [] : [`not joined with ${listText(notJoinedWith.map(nameOf))}`]),
    ...(forged === 0 ? [] : [`showed ${forged} forged`])
  ]
}

function findingLines({ peer, findings: found }: DirectoryView, nameOf: (directory: string) => string): string[] {
  if (found === undefined) return []
  const lines = [
    ...found.withholds.map((one) => {
      const by = one.provenBy.map((directory) => (directory === peer ? 'its own statement' : nameOf(directory)))
      return `withholds ${one.name} (${one.shortId}), online according to ${listText(by)}`
    }),
    ...found.stale.map(({ name, shortId: id }) => `what it shows of ${name} (${id}) is no longer so`)
  ]
  const more = lines.length - MAX_FINDING_LINES
  return more <= 0 ? lines : [...lines.slice(0, MAX_FINDING_LINES), `… and ${more} more.`]
}

/** How others are found where no directory is connected. */
interface WithoutDirectory {
  readonly hasLan: boolean
  /** The user has named relays. */
  readonly hasRelays?: boolean
}

/** A relay lists nobody. */
export const THROUGH_RELAY_TEXT = 'Through your relay, type the peer ID of someone who names it too; /id shows yours.'

export class DirectoryNews {
  readonly #states = new Map<string, DirectoryView['state']>()

  /** The directory connected at the start. */
  summary(views: readonly DirectoryView[], { hasLan, hasRelays = false }: WithoutDirectory, nowMs: number): string[] {
    for (const view of views) this.#states.set(view.address, view.state)
    const connected = views.filter(({ state }) => state === 'connected')
    const asked = views.filter(({ state, isDefault }) => !isFine(state) && !isDefault)
    const missing = asked.map((view) =>
      view.state === 'connecting' ? `Connecting to the directory ${view.address} …` : notConnected(view, nowMs)
    )
    if (connected.length > 0) {
      const names = listText(connected.map(({ address }) => address))
      return [`Connected to the ${connected.length === 1 ? 'directory' : 'directories'} ${names}.`, ...missing]
    }
    const byRelay = hasRelays ? [THROUGH_RELAY_TEXT] : []
    // What comes of it is reported; until then nothing is known to be missing.
    if (asked.some(({ state }) => state === 'connecting')) return [...missing, ...byRelay]
    if (hasLan) return [...missing, 'No directory is connected: you see only peers on the local network.', ...byRelay]
    if (hasRelays) return [...missing, 'No directory is connected: nobody is listed here.', ...byRelay]
    return [
      ...missing,
      'No directory is connected, and the local network is not searched:',
      'start a directory with `parley directory`, or name one with --directory HOST:PORT.'
    ]
  }

  /** The lines that a change is worth. */
  changed(view: DirectoryView, nowMs: number): string[] {
    const before = this.#states.get(view.address)
    this.#states.set(view.address, view.state)
    if (view.state === 'connected') return before === 'connected' ? [] : [`Connected to the directory ${view.address}.`]
    if (before === 'connected') return this.#lost(view, nowMs)
    if (view.isDefault || view.state === 'connecting' || view.state === 'standby') return []
    return before === undefined || before === 'connecting' ? this.#notYetSaid(view, nowMs) : []
  }

  readonly #complained = new Set<string>()

  /** A directory that never answered is reported once, not at each try. */
  #notYetSaid(view: DirectoryView, nowMs: number): string[] {
    if (this.#complained.has(view.address)) return []
    this.#complained.add(view.address)
    return [notConnected(view, nowMs)]
  }

  #lost(view: DirectoryView, nowMs: number): string[] {
    this.#complained.add(view.address)
    if (view.state === 'refused')
      return [notConnected(view, nowMs), 'Others there do not see you. You still see its roster.']
    const lost = `Lost the directory ${view.address}${because(view)}${retryText(view.retryAtMs, nowMs)}.`
    if ([...this.#states.values()].includes('connected')) return [lost]
    return [lost, 'No directory is connected now. Conversations continue without one.']
  }
}

/** A standby is not missing: others are in use. */
function isFine(state: DirectoryView['state']): boolean {
  return state === 'connected' || state === 'standby'
}

function notConnected(view: DirectoryView, nowMs: number): string {
  const what = view.state === 'refused' ? 'does not register you' : 'is not connected'
  return `The directory ${view.address} ${what}${because(view)}${retryText(view.retryAtMs, nowMs)}.`
}

function because(view: DirectoryView): string {
  return view.why === undefined ? '' : `: ${view.why}`
}

export function federationLine(notice: FederationNotice): string {
  const who = `directory ${notice.shortId}${notice.address === '' ? '' : ` ${notice.address}`}`
  switch (notice.event) {
    case 'directory-turned-away': {
      const why =
        notice.reason === 'named-only'
          ? 'only directories that are named join here (--federate named)'
          : `all ${notice.places} places for directories that are not named are taken`
      return `TURNED AWAY ${who}: ${why}. --join with its address gives it a place of its own`
    }
    case 'directory-evicted':
      return (
        `EVICTED ${who}: ${notice.holder} had ${notice.held} of ${notice.places} places for directories that are not ` +
        `named, and gave one to directory ${notice.toShortId}. --federate named admits none of them`
      )
    case 'directory-refused-us':
      return `REFUSED BY ${who}: ${notice.why}. Next try in ${seconds(notice.retryAfterMs)}`
    case 'directory-cut':
      return `CUT ${who}: it floods, or passes on forgeries. It is refused for ${seconds(notice.forMs)}`
    case 'directory-left-out': {
      const advice = notice.named ? '' : '. --join gives it room of its own, --federate named admits only such'
      return `LEFT OUT ${notice.leftOut} peers of ${who}, ${notice.peers} are on the roster: there is no room for more${advice}`
    }
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`
}
