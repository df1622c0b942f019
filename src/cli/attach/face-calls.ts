// The methods of a node that an attached face may call, by name: each reads its
// arguments from JSON and refuses what has another shape. A conversation is left
// when the last face that shows it leaves.
import { UsageError } from '../../node/settings.ts'
import type { ChatApi, NewsReader, OutgoingMessage, ResolveOptions, ShareAudience } from '../chat-api/chat-api.ts'
import { MAX_ANSWER_BYTES, MAX_ANSWER_MESSAGES } from './face-protocol.ts'
import type { ConversationScreens } from '../chat-api/conversation-screens.ts'

/** What one face has on the node. */
export interface FaceOnNode {
  /** What it opens and leaves is on {@link screens}: see `faceOf`. */
  readonly node: ChatApi
  readonly screens: ConversationScreens
  /** Readers of new messages, by the number that the face chose. */
  readonly readers: Map<number, NewsReader>
  /** Recognises the IDs of peers; given, so that this file loads no libp2p. */
  readonly isPeer: (text: string) => boolean
}

/** Readers of one face: it needs one, and one more while it begins anew. */
const MAX_READERS = 4

type Call = (face: FaceOnNode, args: Arguments, signal: AbortSignal) => unknown

/** Arguments of a call as they came. @throws UsageError for one of another type, or out of range */
class Arguments {
  readonly #method: string
  readonly #values: readonly unknown[]
  readonly #isPeer: FaceOnNode['isPeer']

  constructor(method: string, values: readonly unknown[], isPeer: FaceOnNode['isPeer']) {
    this.#method = method
    this.#values = values
    this.#isPeer = isPeer
  }

  text(index: number): string {
    const value = this.#values[index]
    if (typeof value !== 'string') this.#refuse(index, 'text')
    return value
  }

  /** The whole ID of a peer: the node and its files rely on it. */
  peer(index: number): string {
    const value = this.#values[index]
    if (typeof value !== 'string' || !this.#isPeer(value)) this.#refuse(index, 'a peer ID')
    return value
  }

  /** Counts, positions and times are whole; SQLite refuses others. */
  number(index: number): number {
    const value = this.#values[index]
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) this.#refuse(index, 'a whole number')
    return value
  }

  flag(index: number): boolean {
    const value = this.#values[index]
    if (typeof value !== 'boolean') this.#refuse(index, 'true or false')
    return value
  }

  texts(index: number): readonly string[] {
    const value = this.#values[index]
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) this.#refuse(index, 'a list of text')
    return value
  }

  optionalTexts(index: number): readonly string[] | undefined {
    const value = this.#values[index]
    return value === undefined || value === null ? undefined : this.texts(index)
  }

  /** The given fields; each must have its expected type. */
  options<Fields extends Record<string, keyof FieldTypes>>(
    index: number,
    fields: Fields
  ): { readonly [K in keyof Fields]?: FieldTypes[Fields[K]] } {
    const value = this.#values[index] ?? {}
    if (typeof value !== 'object') this.#refuse(index, 'an object')
    const given = Object.entries(fields).flatMap(([name, type]) => {
      const field: unknown = Reflect.get(value, name)
      if (field === undefined || field === null) return []
      const parts = new Arguments(`${this.#method}, ${name}`, [field], this.#isPeer)
      const read = {
        text: () => parts.text(0),
        peer: () => parts.peer(0),
        number: () => parts.number(0),
        flag: () => parts.flag(0),
        texts: () => parts.texts(0)
      }
      return [[name, read[type]()]]
    })
    // Each field was read as its type says.
    return Object.fromEntries(given) as { readonly [K in keyof Fields]?: FieldTypes[Fields[K]] }
  }

  #refuse(index: number, expected: string): never {
    throw new UsageError(`${this.#method}: expected ${expected} as argument ${index + 1}`)
  }
}

interface FieldTypes {
  readonly text: string
  readonly peer: string
  readonly number: number
  readonly flag: boolean
  readonly texts: readonly string[]
}

const pageFields = { limit: 'number', before: 'number', after: 'number', maxBytes: 'number' } as const
const offerFields = { text: 'text', id: 'text' } as const
const offeredFields = { number: 'number', peer: 'peer' } as const
const shareFields = { name: 'text', isSearchable: 'flag', audience: 'text', peers: 'texts' } as const
const newsFields = { limit: 'number', maxBytes: 'number' } as const

function limited(limit: number | undefined): { readonly limit: number } {
  return { limit: Math.max(0, Math.min(limit ?? MAX_ANSWER_MESSAGES, MAX_ANSWER_MESSAGES)) }
}

/** The same, with a bound of bytes. */
function sized({ limit, maxBytes = MAX_ANSWER_BYTES }: { readonly limit?: number; readonly maxBytes?: number }): {
  readonly limit: number
  readonly maxBytes: number
} {
  return { ...limited(limit), maxBytes: Math.max(0, Math.min(maxBytes, MAX_ANSWER_BYTES)) }
}

const calls: Readonly<Record<string, Call>> = {
  figures: ({ node }) => node.figures(),
  settings: ({ node }) => node.settings(),
  examine: ({ node }, args, signal) => node.examine(args.options(0, { peer: 'peer', words: 'texts' }), { signal }),
  'self.rename': ({ node }, args) => node.self.rename(args.text(0)),
  'self.setStatus': ({ node }, args) => node.self.setStatus(args.text(0)),

  'messaging.open': ({ node }, args) => node.messaging.open(args.peer(0)),
  'messaging.reopen': ({ screens }, args) => screens.reopen(args.peer(0)),
  'messaging.leave': ({ node }, args) => node.messaging.leave(args.peer(0)),
  'messaging.send': ({ node }, args) =>
    node.messaging.send(args.peer(0), args.text(1), args.options(2, { id: 'text' })),
  'messaging.settled': async ({ node }, args, signal) => node.messaging.settled(ownMessage(args), { signal }),
  'messaging.typing': ({ node }, args) => node.messaging.typing(args.peer(0)),
  'messaging.setTellsTyping': ({ node }, args) => node.messaging.setTellsTyping(args.flag(0)),
  'messaging.retry': ({ node }, args) => node.messaging.retry(args.peer(0), args.optionalTexts(1)),
  'messaging.cancel': ({ node }, args) => node.messaging.cancel(args.peer(0), args.optionalTexts(1)),
  'messaging.requests': ({ node }) => node.messaging.requests(),
  'messaging.readRequest': ({ node }, args) => node.messaging.readRequest(args.peer(0)),
  'messaging.clearRequests': ({ node }) => node.messaging.clearRequests(),
  'messaging.accept': ({ node }, args) => node.messaging.accept(args.peer(0)),
  'messaging.ignore': ({ node }, args) => node.messaging.ignore(args.peer(0)),
  'messaging.room': ({ node }) => node.messaging.room(),
  'messaging.copyHistory': ({ node }, _args, signal) => node.messaging.copyHistory({ signal }),

  'history.recent': ({ node }, args) => node.messaging.history.recent(args.peer(0), limited(args.number(1)).limit),
  'history.page': ({ node }, args) => {
    const options = args.options(1, pageFields)
    return node.messaging.history.page(args.peer(0), { ...options, ...sized(options) })
  },
  'history.log': ({ node }, args) => {
    const options = args.options(1, { sinceMs: 'number', untilMs: 'number', limit: 'number' })
    return node.messaging.history.log({ ...options, peer: args.peer(0), ...limited(options.limit) })
  },
  'history.search': ({ node }, args) => {
    const options = args.options(1, { peer: 'peer', before: 'number', limit: 'number', maxBytes: 'number' })
    return node.messaging.history.search(args.text(0), { ...options, ...sized(options) })
  },
  'history.news': ({ node }, args) => {
    const options = args.options(1, newsFields)
    return node.messaging.history.news({ after: args.number(0), ...sized(options) })
  },
  'history.newest': async ({ node }) => {
    const reader = node.messaging.history.follow()
    return positionOf(reader).finally(() => reader.close())
  },
  'history.conversations': ({ node }) => node.messaging.history.conversations(),
  'history.forget': ({ node }, args) => node.messaging.history.forget(args.peer(0)),
  'history.waiting': ({ node }, args) => node.messaging.history.waiting(limited(args.number(0)).limit),
  'reader.open': async ({ node, readers }, args) => {
    const id = args.number(0)
    if (readers.has(id) || readers.size >= MAX_READERS) throw new UsageError(`reader ${id} can't be opened`)
    const reader = node.messaging.history.follow()
    readers.set(id, reader)
    return positionOf(reader)
  },
  'reader.next': ({ readers }, args) => {
    const reader = readers.get(args.number(0))
    if (reader === undefined) throw new UsageError(`there is no reader ${args.number(0)}`)
    return reader.next(sized(args.options(1, newsFields)))
  },
  'reader.close': ({ readers }, args) => {
    readers.get(args.number(0))?.close()
    readers.delete(args.number(0))
  },

  'peers.firstLook': ({ node }, args, signal) =>
    node.peers.firstLook({ ...args.options(0, { thorough: 'flag' }), signal }),
  'peers.resolve': ({ node }, args, signal) => {
    const options: ResolveOptions = args.options(1, { numbers: 'texts', trustName: 'flag', refuseChangedKey: 'flag' })
    return node.peers.resolve(args.texts(0), { ...options, signal })
  },
  'peers.measurePath': ({ node }, args, signal) => node.peers.measurePath(args.peer(0), { signal }),
  'peers.renameContact': ({ node }, args) => node.peers.renameContact(args.peer(0), args.text(1)),
  'peers.removeContact': ({ node }, args) => node.peers.removeContact(args.peer(0)),

  'trust.safetyNumber': ({ node }, args) => node.trust.safetyNumber(args.peer(0)),
  'trust.verify': ({ node }, args) => node.trust.verify(args.peer(0)),
  'trust.unverify': ({ node }, args) => node.trust.unverify(args.peer(0)),
  'trust.block': ({ node }, args) => node.trust.block(args.peer(0)),
  'trust.unblock': ({ node }, args) => node.trust.unblock(args.peer(0)),

  'invitations.make': ({ node }, args) => node.invitations.make(args.options(0, { places: 'number', forMs: 'number' })),
  'invitations.list': ({ node }) => node.invitations.list(),
  'invitations.revoke': ({ node }, args) => node.invitations.revoke(args.number(0)),

  'files.offer': ({ node }, args) => node.files.offer(args.peer(0), args.texts(1), args.options(2, offerFields)),
  'files.list': ({ node }) => node.files.list(),
  'files.get': ({ node }, args) => {
    const { number, ...options } = args.options(0, { ...offeredFields, to: 'text' })
    return node.files.get(number, options)
  },
  'files.decline': ({ node }, args) => {
    const { number, ...options } = args.options(0, offeredFields)
    return node.files.decline(number, options)
  },
  'files.pause': ({ node }, args) => {
    const { number, ...options } = args.options(0, offeredFields)
    return node.files.pause(number, options)
  },
  'files.resume': ({ node }, args) => {
    const { number, ...options } = args.options(0, offeredFields)
    return node.files.resume(number, options)
  },

  'shares.add': ({ node }, args) => {
    const { audience, peers, ...options } = args.options(1, shareFields)
    return node.shares.add(args.text(0), { ...options, audience: readAudience(audience, peers) })
  },
  'shares.list': ({ node }) => node.shares.list(),
  'shares.remove': ({ node }, args) => node.shares.remove(args.text(0)),
  'shares.browse': ({ node }, args, signal) =>
    node.shares.browse(args.peer(0), args.text(1), { ...args.options(2, { after: 'text' }), signal }),
  'shares.get': ({ node }, args, signal) => node.shares.get(args.peer(0), args.texts(1), { signal }),
  'shares.find': ({ node }, args, signal) => node.shares.find(args.texts(0), { signal }),
  'shares.keepFinding': ({ node }, args) => node.shares.keepFinding(args.texts(0)),
  'shares.endFinding': ({ node }, args) => node.shares.endFinding(args.optionalTexts(0))
}

/** Only what was said: nothing is shared with more than these. */
function readAudience(audience = 'contacts', peers: readonly string[] = []): ShareAudience {
  if (audience === 'contacts' || audience === 'lan') return { is: audience }
  if (audience === 'peers') return { is: 'peers', peers }
  throw new UsageError(`shares.add: expected contacts, lan or peers as audience, and not ${audience}`)
}

/** Where a reader stands that has read nothing yet. */
async function positionOf(reader: NewsReader): Promise<number> {
  return (await reader.next({ limit: 0 })).next
}

/** Calls that wait for something to happen, for as long as that takes. */
export const WAITING_METHODS: ReadonlySet<string> = new Set(['messaging.settled'])

/** @throws UsageError for an unknown method or arguments of another shape; what the method throws */
export async function carryOut(
  face: FaceOnNode,
  call: { readonly method: string; readonly args: readonly unknown[] },
  signal: AbortSignal
): Promise<unknown> {
  const { method, args } = call
  const carry = Object.hasOwn(calls, method) ? calls[method] : undefined
  if (carry === undefined) throw new UsageError(`a face can't call ${JSON.stringify(method)}`)
  return carry(face, new Arguments(method, args, face.isPeer), signal)
}

/** What a node needs of an own message to wait for it. */
function ownMessage(args: Arguments): OutgoingMessage {
  const { peer = '', id = '' } = args.options(0, { peer: 'peer', id: 'text' })
  // It is looked up by these; nothing else of it is read.
  return { peer, id } as OutgoingMessage
}
