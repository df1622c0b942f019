// What the user sees before a stranger is accepted that was chosen by a number of the
// list or a nickname, which anyone can take: first its request, and a question with
// both IDs when it uses a contact's name. Irreversible acts get a question too. It
// shows nothing itself, and returns what is to be shown.
import type { ChatApi, PeerTarget } from '../chat-api/chat-api.ts'
import type { AcceptingVerb, CommandResult, Person } from './chat-command.ts'

interface Choice {
  readonly node: ChatApi
  readonly person?: Person | undefined
  readonly target: PeerTarget
  readonly verb: AcceptingVerb
}

/**
 * Host and port, a whole ID and a contact's name identify the peer. Anything else may name another peer than the person
 * expects.
 *
 * @returns what is to be shown or asked before it is done; undefined when it may be done
 */
export async function cautionBefore({ node, person, target, verb }: Choice): Promise<CommandResult | undefined> {
  const { peer, name, shortId, by } = target
  if (person === undefined || by === 'id' || by === 'address' || by === 'contact') return undefined
  if (node.snapshot().contacts.some((contact) => contact.peer === peer)) return undefined
  const messages = await node.messaging.readRequest(peer)
  const { sameNameAs } = node.peers.look(peer).trust
  const imitated = sameNameAs === undefined || sameNameAs.own ? {} : { sameNameAs }
  const stranger = { peer, name, shortId, ...imitated }
  if (messages.length > person.readRequests.count(peer)) {
    person.readRequests.note(peer, messages.length)
    return { is: 'request', ...stranger, messages, verb }
  }
  return imitated.sameNameAs === undefined
    ? undefined
    : { is: 'namesake', ...stranger, sameNameAs: imitated.sameNameAs, verb }
}

/** @returns the question, unless it was just answered with yes, or there is no person to ask */
export function askedBefore(
  person: Person | undefined,
  question: { readonly act: string; readonly text: string }
): CommandResult | undefined {
  return person === undefined || person.agreed === question.act ? undefined : { is: 'question', ...question }
}
