// How the directories in use are said in words: one line each, and one more for
// each thing that was found about one. Pure; names in it may be remote text as
// it came.
import type { DirectoryView } from './chat-api.ts'
import { MAX_FINDING_LINES } from './constants.ts'
import { shortId } from '../node/settings.ts'
import { retryText } from './wording.ts'

/** All of them, with what was found below each. */
export function directoryLines(views: readonly DirectoryView[], nowMs: number): string[] {
  const nameOf = (directory: string): string =>
    views.find(({ peer }) => peer === directory)?.address ?? shortId(directory)
  return views.flatMap((view) => [
    `${view.address}${view.peer === undefined ? '' : ` (${shortId(view.peer)})`}: ${directoryState(view, nowMs, nameOf)}`,
    ...findingLines(view, nameOf).map((line) => `    ${line}`)
  ])
}

/** How one stands, in one line. */
function directoryState(view: DirectoryView, nowMs: number, nameOf: (directory: string) => string): string {
  return [stateWord(view, nowMs), ...numbers(view), ...findings(view, nameOf)].join(', ')
}

function stateWord(view: DirectoryView, nowMs: number): string {
  switch (view.state) {
    case 'connected':
      return 'connected'
    case 'connecting':
      return 'connecting'
    case 'standby':
      return 'standing by'
    case 'refused':
      return `refused, ${view.why ?? 'without a reason'}${retryText(view.retryAtMs, nowMs)}`
    case 'waiting':
      return `not connected, ${view.why ?? 'no answer'}${retryText(view.retryAtMs, nowMs)}`
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
    ...(notJoinedWith.length === 0 ? [] : [`not joined with ${list(notJoinedWith.map(nameOf))}`]),
    ...(forged === 0 ? [] : [`told ${forged} forged`])
  ]
}

function findingLines({ peer, findings: found }: DirectoryView, nameOf: (directory: string) => string): string[] {
  if (found === undefined) return []
  const lines = [
    ...found.withholds.map((one) => {
      const by = one.provenBy.map((directory) => (directory === peer ? 'its own word' : nameOf(directory)))
      return `withholds ${one.name} (${one.shortId}), who is there by ${list(by)}`
    }),
    ...found.stale.map(({ name, shortId: id }) => `what it shows of ${name} (${id}) is no longer so`)
  ]
  const more = lines.length - MAX_FINDING_LINES
  return more <= 0 ? lines : [...lines.slice(0, MAX_FINDING_LINES), `… and ${more} more.`]
}

function list(words: readonly string[]): string {
  return new Intl.ListFormat('en').format(words)
}
