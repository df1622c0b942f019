// How far a peer is who it seems to be, in words: the verified mark, whose name
// a peer uses or imitates, and the safety number with what to do with it. Pure; what it
// returns may hold remote text as it came: whoever writes it cleans it.
import type { Contact, NameOwner, PeerTrust } from './chat-api.ts'
import { localTime } from './time-span.ts'

/** Groups of the safety number in a line: three lines are easily read out by turns. */
const groupsPerLine = 4

export interface SafetyView extends PeerTrust {
  readonly peer: string
  readonly name: string
  readonly shortId: string
  /** Twelve groups of five digits. */
  readonly groups: readonly string[]
  /** What has just been done. */
  readonly done?: 'verified' | 'unverified'
}

/** How the two steps after the comparison are typed. */
export interface SafetyHints {
  readonly confirm: string
  readonly undo: string
  /** Where the other side sees the same number. */
  readonly there: string
}

export function safetyLines(view: SafetyView, hints: SafetyHints): string[] {
  const { name, shortId, groups, verifiedSinceMs } = view
  const since = verifiedSinceMs === undefined ? 'not verified' : `verified since ${localTime(verifiedSinceMs)}`
  return [
    `Safety number with ${name} (${shortId}), ${since}:`,
    ...Array.from(
      { length: Math.ceil(groups.length / groupsPerLine) },
      (_, line) => `    ${groups.slice(line * groupsPerLine, (line + 1) * groupsPerLine).join('  ')}`
    ),
    ...warningLines(view, shortId),
    adviceText(view, hints)
  ]
}

function adviceText({ name, verifiedSinceMs, done }: SafetyView, { confirm, undo, there }: SafetyHints): string {
  if (done === 'verified') return `${name} is verified now, and a contact. ${undo} takes that back.`
  if (done === 'unverified') return `${name} is not verified any more, and still a contact.`
  const compare = `${name} sees the same digits with ${there}: compare all of them when you meet or on the telephone, not in this chat.`
  return verifiedSinceMs === undefined
    ? `${compare} Are they the same, ${confirm} marks ${name} as verified; are they not, somebody is in between.`
    : `${compare} ${undo} takes the mark back.`
}

/** Said at the top of a conversation with a peer that uses or imitates another's name; nothing of others. */
export function warningLines({ sameNameAs }: PeerTrust, shortId: string): string[] {
  if (sameNameAs === undefined) return []
  const { name, own, verified } = sameNameAs
  if (own) return [`WARNING: ${shortId} uses your own name, or one that looks like it.`]
  const whose = `your ${verified ? 'verified ' : ''}contact ${name} (${sameNameAs.shortId})`
  return [
    `WARNING: ${shortId} is not ${whose}. It uses that name, or one that looks like it, with another key: ask before you trust it.`
  ]
}

/** The mark of a line that names the peer; begins with two spaces, or is empty. */
export function namesakeMark(owner: NameOwner | undefined): string {
  if (owner === undefined) return ''
  if (owner.own) return '  ! not you: another key'
  return `  ! not your ${owner.verified ? 'verified ' : ''}contact ${owner.name}: another key`
}

/** The mark of a peer that is listed under its short ID. */
export const namelessMark = '  ! has no name that can be shown'

/** A contact of a list: its name, its peer ID, and whether it is verified. */
export function contactText({ name, peer, verified }: Contact): string {
  return `${name}  ${peer}${verified === undefined ? '' : '  [verified]'}`
}

/** Name and short ID, as they stand before a conversation. */
export function identityText(name: string, shortId: string, { verifiedSinceMs }: PeerTrust): string {
  return `${name} (${shortId}${verifiedSinceMs === undefined ? '' : ', verified'})`
}
