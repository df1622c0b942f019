// The peer that a command inside a chat is about: the one that was named, or the one
// whose conversation is open. A command that does something to a person takes no
// name that could mean another peer too. The numbers by which people name peers
// are given here: a number stays with its peer for the session, so that a number
// read off the screen never means another peer.
import { isSameName, looksAlike, LruMap, nameShape } from '../../lib/index.ts'
import { AmbiguousPeerError, shortId } from '../../node/settings.ts'
import type { ChatApi, PeerTarget } from '../chat-api/chat-api.ts'
import { isNamed } from '../chat-api/find-peer.ts'
import { type CommandArguments, type CommandContext, CommandUsageError, type PeerRef } from './chat-command.ts'

export function words(args: CommandArguments): readonly string[] {
  return args.peer ?? []
}

export async function refOf(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  const target = await context.resolve(words(args))
  return { peer: target.peer, name: target.name }
}

/** @throws CommandUsageError when nobody was named and no conversation is open */
export async function currentOr(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  return words(args).length > 0 ? refOf(context, args) : current(context)
}

/**
 * The same for what does something to the person: a name that several peers have, or that looks like another's, is
 * refused with their IDs, also where one of them is a contact.
 *
 * @throws AmbiguousPeerError
 */
export async function certainOrCurrent(context: CommandContext, args: CommandArguments): Promise<PeerRef> {
  return words(args).length > 0 ? certain(context, words(args)) : current(context)
}

/** @throws AmbiguousPeerError, and what the look-up throws */
export async function certain(context: CommandContext, given: readonly string[]): Promise<PeerTarget> {
  const { node } = context
  const text = given.join(' ')
  let target: PeerTarget
  try {
    target = await context.resolve(given)
  } catch (error) {
    const mayBeAway = isNamed(error, 'PeerNotFoundError', 'UntrustedNameError')
    // A stranger that has written and has left is on no roster.
    const requests = mayBeAway ? (await node.messaging.requests()).filter(({ name }) => isSameName(name, text)) : []
    const [only] = requests
    if (only === undefined) throw error
    target = { peer: only.peer, name: only.name, shortId: only.shortId, by: 'nickname' }
  }
  if (target.by !== 'contact' && target.by !== 'nickname') return target
  const others = (await bearersOf(node, text)).filter(({ peer }) => peer !== target.peer)
  if (others.length === 0) return target
  const ids = others.map(({ peer, name }) => `${name} (${shortId(peer)})`)
  throw new AmbiguousPeerError(text, [`${target.name} (${target.shortId})`, ...ids])
}

/** Names a person unambiguously, where something is done to it. */
export function whoText({ name, peer }: PeerRef): string {
  const id = shortId(peer)
  return name === id ? id : `${name} (${id})`
}

/** Whether the user has chosen the peer. */
export function isContact(node: ChatApi, id: string): boolean {
  return node.snapshot().contacts.some((contact) => contact.peer === id)
}

/** All peers, around or known, whose name a reader may take for this one. */
async function bearersOf(node: ChatApi, text: string): Promise<readonly PeerRef[]> {
  const shape = nameShape(text)
  const named: readonly PeerRef[] = [
    ...node.snapshot().contacts,
    ...node
      .snapshot()
      .contacts.flatMap(({ peer, claimedName }) => (claimedName === undefined ? [] : [{ peer, name: claimedName }])),
    ...node.snapshot().roster.map(({ peer, nickname }) => ({ peer, name: nickname })),
    ...(await node.messaging.requests()),
    ...node.snapshot().blocked
  ]
  const bearers = named.filter(({ name }) => looksAlike(shape, nameShape(name)))
  return [...new Map(bearers.map((one) => [one.peer, one])).values()]
}

function current(context: CommandContext): PeerRef {
  if (context.current === undefined) throw new CommandUsageError('no conversation is open: name a PEER')
  return { peer: context.current, name: context.node.peers.look(context.current).name }
}

export class RosterNumbers {
  readonly #numbers = new LruMap<string, number>(MAX_NUMBERED_PEERS)
  #last = 0

  /** The number of the peer, from 1; the next free one when it has none yet. */
  of(peer: string): number {
    const number = this.#numbers.get(peer) ?? ++this.#last
    this.#numbers.set(peer, number)
    return number
  }

  /** Peer IDs at the place of their number, the first being 1; forgotten ones are absent. */
  get peers(): readonly string[] {
    return peersByNumber(this.#numbers)
  }
}

/** @returns the peers at the place of their number, the first being 1 */
export function peersByNumber(numbers: ReadonlyMap<string, number>): readonly string[] {
  const peers: string[] = []
  for (const [peer, number] of numbers) peers[number - 1] = peer
  return peers
}

/**
 * Peers whose roster number is kept. Keys are free, and strangers come and go; more than two full directories show at a
 * time.
 */
export const MAX_NUMBERED_PEERS = 40_000
