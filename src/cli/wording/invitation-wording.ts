// Invitations in words: a code with what to do with it, and what has become of it. Pure;
// names of others come as they are, and the writer cleans them.
import type { ChatNodeEvents, InvitationView } from '../chat-api/chat-api.ts'
import { localTime } from './time-span.ts'

export type InvitationNews = ChatNodeEvents['invitation']['detail']

const ends: Readonly<Record<NonNullable<InvitationView['end']>, string>> = {
  used: 'has been used',
  expired: 'has expired',
  revoked: 'was taken back',
  ended: 'has ended: too many wrong tries'
}

/**
 * A code that was just made, with its QR code where there is one: so short that both fit on a screen.
 *
 * @param undo how to take it back: `Ctrl-C takes it back`
 */
export function invitationLines(view: InvitationView, undo: string, qr: readonly string[] = []): string[] {
  if (view.end !== undefined) return [invitationLine(view)]
  const { code, places, isForMany, directories } = view
  const whom = isForMany ? `${places} ${places === 1 ? 'person' : 'people'}` : 'one person'
  const where =
    directories.length === 0 ? 'on this LAN only: no directory is connected' : `at ${directories.join(' and ')}`
  return [
    ...qr,
    `Your code:  ${code}`,
    `There:      parley chat ${code}`,
    `For ${whom} until ${untilText(view)}; ${undo}.`,
    `Found ${where}.`
  ]
}

/** One of a list. */
export function invitationLine(view: InvitationView): string {
  const { number, code, places, came, isForMany, failedTries, end } = view
  if (end !== undefined) return `Invitation ${number} ${ends[end]}${cameText(view)}.`
  const tries = failedTries === 0 ? '' : `, ${failedTries} wrong ${failedTries === 1 ? 'try' : 'tries'}`
  const taken = isForMany ? `, ${came.length} of ${places} came` : ''
  return `${code}  until ${untilText(view)}${taken}${tries}`
}

/** To the minute; a code for one person ends within the hour. */
function untilText({ isForMany, expiresAtMs }: Pick<InvitationView, 'isForMany' | 'expiresAtMs'>): string {
  const [day = '', time = ''] = localTime(expiresAtMs).split(' ')
  const minute = time.replace(/:\d+$/u, '')
  return isForMany ? `${day} ${minute}` : minute
}

function cameText({ came, end }: Pick<InvitationView, 'came' | 'end'>): string {
  if (came.length === 0) return ''
  const who = came.map(({ name, shortId }) => `${name} (${shortId})`).join(', ')
  return end === 'used' ? ` by ${who}` : `; by it came ${who}`
}

export function invitationNewsText(news: InvitationNews): string {
  const { number, isForMany, came, places, failedTries } = news.invitation
  switch (news.what) {
    case 'came': {
      const who = came.find(({ peer }) => peer === news.peer)
      const name = `${news.name} (${who?.shortId ?? ''})`
      return isForMany
        ? `${name} came by invitation ${number}: ${came.length} of ${places}.`
        : `${name} came by your code, and is a contact now.`
    }
    case 'failed':
      return `A wrong code was tried for invitation ${number}, from ${news.from}: ${failedTries} so far.`
    case 'ended':
      return invitationLine(news.invitation)
  }
}
