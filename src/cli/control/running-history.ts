// The history of a profile as the parley that runs on it tells it, page by page,
// for the commands that otherwise open the profile themselves. It knows nothing
// of what they do with it.
import type { HistoryEntry } from '../chat-api.ts'
import { RUNNING_PAGE_MESSAGES } from '../constants.ts'
import type { HistorySource } from '../with-history.ts'
import { shortId } from '../../node/settings.ts'
import { NoAnswerError } from './errors.ts'
import { isJson, listOf, readEntry } from './message-json.ts'
import type { Json, RunningParley } from './running-parley.ts'

type Reading = HistorySource['history']

/** Stands in for an opened history; each call asks the running parley. */
export function runningHistory(parley: RunningParley): HistorySource {
  const names = new Map<string, string>()
  const note = (json: Json): void => {
    if (typeof json['peer'] === 'string' && typeof json['name'] === 'string') names.set(json['peer'], json['name'])
  }
  const entriesOf = (done: Json): readonly HistoryEntry[] =>
    listOf(done['messages']).map((json) => {
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
        return listOf(conversations).map((json) => {
          note(json)
          const last = readEntry(isJson(json['last']) ? json['last'] : {})
          if (last === undefined) throw new NoAnswerError(undefined)
          return { peer: last.message.peer, unread: Number(json['unread']), last }
        })
      },
      forget: async (peer) => Number((await parley.ask({ do: 'forget', peer }))['count'])
    },
    name: (peer) => names.get(peer) ?? peer,
    resolve: async (words) => {
      try {
        const done = await parley.ask({ do: 'history', peer: words, limit: 0 })
        note(done)
        return String(done['peer'])
      } catch (error) {
        const past = await pastPeer(parley, words.join(' '))
        if (past === undefined) throw error
        note(past)
        return past.peer
      }
    }
  }
}

/** Somebody who is neither around nor a contact, and with whom there are messages; only when it can mean nobody else. */
async function pastPeer(parley: RunningParley, word: string): Promise<(Json & { peer: string }) | undefined> {
  const { conversations } = await parley.ask({ do: 'conversations' })
  const hits = listOf(conversations).flatMap(({ peer, name }) =>
    typeof peer === 'string' && [name, peer, shortId(peer)].includes(word) ? [{ peer, name }] : []
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
  const { limit, ...rest } = options
  const found: HistoryEntry[] = []
  let { before } = rest
  while (found.length < limit) {
    const wanted = Math.min(RUNNING_PAGE_MESSAGES, limit - found.length)
    const from = before === undefined ? {} : { before }
    const page = await ask({ do: 'search', text: words, ...rest, ...from, limit: wanted })
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
