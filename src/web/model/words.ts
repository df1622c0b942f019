// How the page says things: times, paths, counts. Pure.
import type { DirectoryJson, HappeningJson, PeerPath } from '../../directory/http/roster-api.ts'
import type { Join } from './commands.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** @returns such as "4 min": short enough for a column */
export function ago(sinceMs: number, nowMs: number): string {
  const ms = Math.max(0, nowMs - sinceMs)
  if (ms < minuteMs) return 'now'
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min`
  if (ms < dayMs) return `${Math.floor(ms / hourMs)} h`
  return `${Math.floor(ms / dayMs)} d`
}

/** @returns such as "4 min ago" */
export function agoText(sinceMs: number, nowMs: number): string {
  const since = ago(sinceMs, nowMs)
  return since === 'now' ? 'just now' : `${since} ago`
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23'
})
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })

/** @returns the time of day, with the day when it is another */
export function moment(atMs: number, nowMs: number): string {
  const isToday = new Date(atMs).toDateString() === new Date(nowMs).toDateString()
  return isToday ? clock.format(atMs) : `${day.format(atMs)}, ${clock.format(atMs)}`
}

export function alikeText(others: number): string {
  return others === 1
    ? 'another peer has a name that looks like this one'
    : `${others} others have names that look like this one`
}

export function pathWord(path: PeerPath): string {
  switch (path) {
    case 'lan':
      return 'LAN'
    case 'direct':
      return 'Internet'
    case 'relayed':
      return 'Relay'
  }
}

export function happeningWord(what: HappeningJson['what']): string {
  switch (what) {
    case 'joined':
      return 'joined'
    case 'left':
      return 'left'
    case 'lost':
      return 'lost'
  }
}

export function joinText({ isLocal }: Join): string {
  return isLocal ? 'To join on this machine' : 'To join from another machine'
}

/** Instead of what the directory has not told yet. */
export const waitingText = 'Waiting for the directory …'

export function directoryWord({ state, leftOut, heardAt }: DirectoryJson, nowMs: number): string {
  switch (state) {
    case 'here':
      return 'this one'
    case 'alive':
      return leftOut === undefined ? 'connected' : `connected, no room for ${count(leftOut, 'more peer')}`
    case 'lost':
      return heardAt === undefined ? 'lost' : `lost ${agoText(heardAt, nowMs)}`
  }
}

/** @returns "1 peer", "2 peers" */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString()} ${n === 1 ? one : many}`
}
