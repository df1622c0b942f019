// How far a peer is who it seems to be, in words: the verified mark, whose name
// a peer uses or imitates, and the safety number with what to do with it. Pure; what it
// returns may hold remote text as it came: the writer cleans it.
import { NAMESAKE_MARK } from '../../node/settings.ts'
import type { Contact, PeerTrust } from '../chat-api/chat-api.ts'
import { localTime } from './time-span.ts'

/** Groups of the safety number in a line: three lines are easily read out by turns. */
const groupsPerLine = 4

export interface SafetyView extends PeerTrust {
  readonly peer: string
  readonly name: string
  readonly shortId: string
  /** Twelve groups of five digits. */
  readonly groups: readonly string[]
  /** The act that has just been carried out. */
  readonly done?: 'verified' | 'unverified'
}

/** The two steps after the comparison, as instructions: `type /confirm`. */
interface SafetyHints {
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
  if (done === 'verified') return `${name} is now verified, and a contact. To undo that, ${undo}.`
  if (done === 'unverified') return `${name} is no longer verified, and still a contact.`
  const compare = `${name} sees the same digits with ${there}. Compare all of them in person or by phone, not in this chat.`
  return verifiedSinceMs === undefined
    ? `${compare} If they match, ${confirm} to mark ${name} as verified. If not, someone may be intercepting the connection.`
    : `${compare} To remove the mark, ${undo}.`
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
export function nameMark({ sameNameAs, sharesNameWith }: NameTrust, isContact: boolean): string {
  if (sameNameAs?.own === true) return `  ${NAMESAKE_MARK} not you: another key`
  if (sameNameAs !== undefined) {
    const whose = `your ${sameNameAs.verified ? 'verified ' : ''}contact ${sameNameAs.name} (${sameNameAs.shortId})`
    return `  ${NAMESAKE_MARK} not ${whose}: another key`
  }
  // Of a contact and a stranger only the stranger bears the mark.
  if (sharesNameWith === undefined || isContact) return ''
  return `  ${NAMESAKE_MARK} not ${sharesNameWith.name} (${sharesNameWith.shortId}): another key`
}

type NameTrust = Pick<PeerTrust, 'sameNameAs' | 'sharesNameWith'>

/** The mark of a peer that is listed under its short ID. */
export const namelessMark = '  ! has no name that can be shown'

/** A contact of a list: its name, its peer ID, and whether it is verified. */
export function contactText(contact: MarkedContact): string {
  const { name, peer, claimedName } = contact
  const claim = claimedName === undefined ? '' : `  (${claimText(claimedName)})`
  return `${name}  ${peer}${trustMark(contact)}${claim}${nameMark(contact, true)}`
}

/** How a contact has become one, where that says who it is; begins with two spaces, or is empty. */
export function trustMark({
  verified,
  metByCode
}: {
  readonly verified?: unknown
  readonly metByCode?: unknown
}): string {
  const isSet = (mark: unknown): boolean => mark !== undefined && mark !== false
  return isSet(verified) ? '  [verified]' : isSet(metByCode) ? '  [met by code]' : ''
}

/** Shown beside a contact that the user has renamed. */
export function claimText(nickname: string): string {
  return `calls itself ${nickname}`
}

/** Name and short ID, as they stand before a conversation. */
export function identityText(name: string, shortId: string, { verifiedSinceMs }: PeerTrust): string {
  return `${name} (${shortId}${verifiedSinceMs === undefined ? '' : ', verified'})`
}

/** A contact, and whose name it uses or shares; with the name that it claims now, where that is another one. */
export type MarkedContact = Contact & Pick<PeerTrust, 'sameNameAs' | 'sharesNameWith'>
