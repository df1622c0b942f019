// The side list: requests, conversations, others who are
// online, and old conversations; each with a number that stays. Pure.
import { shortId } from '../../../node/settings.ts'
import { MAX_NUMBERED_PEERS, peersByNumber } from '../../chat-commands/named-peer.ts'
import { currentPeer, type Person, type State } from './state.ts'

/** The state with its list rebuilt, after a change of its sources. */
export function withPeople(state: State): State {
  const rows = new Map(state.roster.map((row) => [row.peer, row]))
  const requested = state.requests.map(({ peer }) => peer)
  const talked = [...state.conversations].filter((peer) => !requested.includes(peer))
  const shown = new Set([...requested, ...talked])
  const others = state.roster.map(({ peer }) => peer).filter((peer) => !shown.has(peer))
  const { numbers, lastNumber } = numbersWith(state, [...requested, ...talked, ...others])
  const requestNames = new Map(state.requests.map((request) => [request.peer, request]))
  // A blocked peer is no contact, so its conversation has no name.
  const blockedName = (peer: string): string | undefined => state.blocked.get(peer) || undefined
  const person =
    (section: Person['section']) =>
    (peer: string): Person => {
      const row = rows.get(peer)
      const request = requestNames.get(peer)
      return {
        peer,
        name:
          state.contacts.get(peer) ??
          row?.nickname ??
          request?.name ??
          blockedName(peer) ??
          state.names.get(peer) ??
          shortId(peer),
        shortId: row?.shortId ?? request?.shortId ?? shortId(peer),
        number: numbers.get(peer) ?? 0,
        row,
        sameNameAs: row?.sameNameAs ?? request?.sameNameAs,
        sharesNameWith: row?.sharesNameWith ?? request?.sharesNameWith,
        isContact: state.contacts.has(peer),
        isBlocked: row?.blocked === true || state.blocked.has(peer),
        section
      }
    }
  const isEarlier = (peer: string): boolean => state.earlier.has(peer) && !rows.has(peer) && peer !== currentPeer(state)
  const byNumber = (one: Person, other: Person): number => one.number - other.number
  const people = [
    ...requested.map(person('requests')),
    ...talked
      .filter((peer) => !isEarlier(peer))
      .map(person('conversations'))
      .toSorted(byNumber),
    ...others.map(person('online')).toSorted(byNumber),
    ...talked.filter(isEarlier).map(person('earlier')).toSorted(byNumber)
  ]
  return { ...state, numbers, lastNumber, people }
}

/** With a number for each of these peers. If there are too many, those that left first are forgotten. */
function numbersWith(state: State, shown: readonly string[]): Pick<State, 'numbers' | 'lastNumber'> {
  const fresh = shown.filter((peer) => !state.numbers.has(peer))
  if (fresh.length === 0) return state
  const numbers = new Map(state.numbers)
  let { lastNumber } = state
  for (const peer of fresh) numbers.set(peer, ++lastNumber)
  if (numbers.size <= MAX_NUMBERED_PEERS) return { numbers, lastNumber }
  const isShown = new Set(shown)
  for (const peer of state.numbers.keys()) {
    if (numbers.size <= MAX_NUMBERED_PEERS) break
    if (!isShown.has(peer)) numbers.delete(peer)
  }
  return { numbers, lastNumber }
}

/** The peers at the place of their number, the first being 1. */
export function numberedPeers(state: State): readonly string[] {
  return peersByNumber(state.numbers)
}

/** The conversation above or below. Opening one with a stranger would accept it, and blocked peers have none. */
export function nextConversation(state: State, by: -1 | 1, current: string | undefined): Person | undefined {
  const people = state.people.filter(
    ({ section, peer, isBlocked }) =>
      ((section === 'conversations' || section === 'earlier') && !isBlocked) || peer === current
  )
  if (people.length === 0) return undefined
  const index = people.findIndex(({ peer }) => peer === current)
  if (index === -1) return by === 1 ? people[0] : people.at(-1)
  return people[(index + by + people.length) % people.length]
}

/** The next one in the list with something unread. */
export function nextUnread(state: State, current: string | undefined): Person | undefined {
  const { people } = state
  const index = people.findIndex(({ peer }) => peer === current)
  const rotated = [...people.slice(index + 1), ...people.slice(0, index + 1)]
  return rotated.find(({ peer }) => (state.unread.get(peer) ?? 0) > 0 && peer !== current)
}
