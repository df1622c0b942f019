// A profile as the parley that runs on it reports it: its history page by page, its
// contacts, and the safety number with a peer, for commands that otherwise open the
// profile themselves. It knows nothing of what they do with it.
import { isJson, isSameName, type Json, jsonList } from '../../lib/index.ts'
import { shortId } from '../../node/settings.ts'
import type { HistoryApi, HistoryEntry, NameOwner } from '../chat-api/chat-api.ts'
import type { SafetyView } from '../wording/trust-wording.ts'
import { readEntry } from './message-json.ts'
import { NoAnswerError, RunningCommandError, type RunningParley } from './running-parley.ts'

/** Messages asked for at once from a running parley. */
const RUNNING_PAGE_MESSAGES = 100

type Reading = HistorySource['history']

/** Stands in for an opened history; each call asks the running parley. */
export function runningHistory(parley: RunningParley): HistorySource {
  const names = new Map<string, string>()
  const note = (json: Json): void => {
    if (typeof json['peer'] === 'string' && typeof json['name'] === 'string') names.set(json['peer'], json['name'])
  }
  const entriesOf = (done: Json): readonly HistoryEntry[] =>
    jsonList(done['messages']).map((json) => {
      note(json)
      const entry = readEntry(json)
      if (entry === undefined) throw new NoAnswerError(undefined)
      return entry
    })
  const ask = async (command: object): Promise<readonly HistoryEntry[]> => entriesOf(await parley.ask(command))
  return {
    history: {
      log: async (options) => log(ask, options),
      search: async (words, options) => search(ask, words, options),
      export: (options) => exported(ask, options),
      conversations: async () => {
        const { conversations } = await parley.ask({ do: 'conversations' })
        return jsonList(conversations).map((json) => {
          note(json)
          const last = readEntry(isJson(json['last']) ? json['last'] : {})
          if (last === undefined) throw new NoAnswerError(undefined)
          return { peer: last.message.peer, unread: Number(json['unread']), last }
        })
      },
      forget: async (peer) => Number((await parley.ask({ do: 'forget', peer }))['count'])
    },
    name: (peer) => names.get(peer) ?? peer,
    resolve: async (words, { certain = false } = {}) => {
      try {
        const done = await parley.ask({ do: 'history', peer: words, limit: 0, certain })
        note(done)
        return String(done['peer'])
      } catch (error) {
        if (certain && error instanceof RunningCommandError && error.code === 'ambiguous-peer') throw error
        const past = await pastPeer(parley, words.join(' '))
        if (past === undefined) throw error
        note(past)
        return past.peer
      }
    }
  }
}

/** A peer that is neither around nor a contact, but has messages here; only when the word can mean no other. */
async function pastPeer(parley: RunningParley, word: string): Promise<(Json & { peer: string }) | undefined> {
  const { conversations } = await parley.ask({ do: 'conversations' })
  const hits = jsonList(conversations).flatMap(({ peer, name }) =>
    typeof peer === 'string' &&
    ([peer, shortId(peer)].includes(word) || (typeof name === 'string' && isSameName(name, word)))
      ? [{ peer, name }]
      : []
  )
  return hits.length === 1 ? hits[0] : undefined
}

type Ask = (command: object) => Promise<readonly HistoryEntry[]>

/** Goes back through the conversation until there is enough, nothing more, or all of a page is from before the span. */
async function log(ask: Ask, options: Parameters<Reading['log']>[0]): Promise<readonly HistoryEntry[]> {
  const { peer, sinceMs = -Infinity, untilMs = Infinity, limit } = options
  const found: HistoryEntry[] = []
  let before: number | undefined
  while (found.length < limit) {
    const page = await ask({
      do: 'history',
      peer,
      limit: RUNNING_PAGE_MESSAGES,
      ...(before === undefined ? {} : { before })
    })
    const isInSpan = ({ message }: HistoryEntry): boolean =>
      message.storedAtMs >= sinceMs && message.storedAtMs < untilMs
    found.unshift(...page.filter(isInSpan))
    before = page[0]?.position
    if (page.every(({ message }) => message.storedAtMs < sinceMs)) break
  }
  return found.slice(-limit)
}

async function search(
  ask: Ask,
  words: string,
  options: Parameters<Reading['search']>[1]
): Promise<readonly HistoryEntry[]> {
  const { limit, peer, before: newest } = options
  const found: HistoryEntry[] = []
  let before = newest
  while (found.length < limit) {
    const wanted = Math.min(RUNNING_PAGE_MESSAGES, limit - found.length)
    const from = before === undefined ? {} : { before }
    const page = await ask({
      do: 'search',
      text: words,
      ...(peer === undefined ? {} : { peer }),
      ...from,
      limit: wanted
    })
    found.push(...page)
    before = page.at(-1)?.position
    if (page.length === 0) break
  }
  return found
}

async function* exported(
  ask: Ask,
  options: Parameters<Reading['export']>[0] = {}
): AsyncGenerator<readonly HistoryEntry[]> {
  const { peer, after: from = 0 } = options
  for (let after: number | undefined = from; after !== undefined;) {
    const page = await ask({
      do: 'history',
      after,
      limit: RUNNING_PAGE_MESSAGES,
      ...(peer === undefined ? {} : { peer })
    })
    if (page.length > 0) yield page
    after = page.at(-1)?.position
  }
}

/** Stands in for opened contacts; each call asks the running parley. */
export function runningContacts(parley: RunningParley): ContactSource {
  const listed = async (): Promise<readonly ListedContact[]> => {
    const { contacts } = await parley.ask({ do: 'contacts' })
    return jsonList(contacts).flatMap((json) => readContact(json) ?? [])
  }
  return {
    list: listed,
    find: async (words) => {
      const done = await parley.ask({ do: 'history', peer: words, limit: 0, certain: true })
      return { peer: textOf(done['peer']), name: textOf(done['name']) }
    },
    rename: async (peer, name) => {
      const done = await parley.ask({ do: 'rename', peer, ...(name === '' ? {} : { text: name }) })
      return textOf(done['name'])
    },
    remove: async (peer) => {
      await parley.ask({ do: 'remove', peer })
    }
  }
}

function readContact({ peer, name, claimedName, verified, metByCodeSinceMs }: Json): ListedContact | undefined {
  if (typeof peer !== 'string' || typeof name !== 'string') return undefined
  const claimed = typeof claimedName === 'string' ? claimedName : name
  const metByCode = typeof metByCodeSinceMs === 'number'
  return { peer, name, shortId: shortId(peer), claimedName: claimed, verified: verified === true, metByCode }
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new NoAnswerError(undefined)
  return value
}

/** The command of the chat, by what is to be done. */
const commands = { show: 'verify', verified: 'confirm', unverified: 'unverify' } as const

/** @throws RunningCommandError as the other process reported it; NoAnswerError */
export async function runningSafety(
  parley: RunningParley,
  words: readonly string[],
  change: SafetyView['done']
): Promise<SafetyView> {
  // Looking at the number of a peer named by its nickname does no harm; marking it would.
  const done = await parley.ask({ do: commands[change ?? 'show'], peer: words, trustName: change === undefined })
  const view = readSafety(done)
  if (view === undefined) throw new NoAnswerError(undefined)
  return change === undefined ? view : { ...view, done: change }
}

function readSafety({
  peer,
  name,
  shortId: id,
  safetyNumber,
  verifiedSinceMs,
  sameNameAs
}: Json): SafetyView | undefined {
  if (typeof peer !== 'string' || typeof name !== 'string' || typeof id !== 'string') return undefined
  if (typeof safetyNumber !== 'string') return undefined
  const owner = isJson(sameNameAs) ? readOwner(sameNameAs) : undefined
  return {
    peer,
    name,
    shortId: id,
    groups: safetyNumber.split(' '),
    ...(typeof verifiedSinceMs === 'number' ? { verifiedSinceMs } : {}),
    ...(owner === undefined ? {} : { sameNameAs: owner })
  }
}

function readOwner({ peer, name, shortId: id, verified, own }: Json): NameOwner | undefined {
  if (typeof peer !== 'string' || typeof name !== 'string' || typeof id !== 'string') return undefined
  return { peer, name, shortId: id, verified: verified === true, own: own === true }
}

export interface ContactSource {
  list(): Promise<readonly ListedContact[]>
  /** An ambiguous name is refused. @throws ParleyError */
  find(words: readonly string[]): Promise<{ readonly peer: string; readonly name: string }>
  /** @param name empty: the name that the contact claims @returns the name that is now shown */
  rename(peer: string, name: string): Promise<string>
  remove(peer: string): Promise<void>
}

export interface ListedContact {
  readonly peer: string
  readonly name: string
  readonly shortId: string
  /** The name that the contact claims. */
  readonly claimedName: string
  readonly verified: boolean
  readonly metByCode: boolean
}

/** What the commands about the history need, wherever it is kept open. */
export interface HistorySource {
  readonly history: Pick<HistoryApi, 'log' | 'search' | 'export' | 'conversations' | 'forget'>
  name(peer: string): string
  /**
   * PEER among the contacts and the conversations.
   *
   * @param options.certain a name that could mean another peer too is refused
   */
  resolve(words: readonly string[], options?: { readonly certain?: boolean }): Promise<string>
}
