// The history of a profile within one command: opened, used, and closed whatever
// happened; or asked for from the parley that runs on the profile. It runs no node.
import type { ChatApi } from './chat-api.ts'
import { onProfile, runningHistory } from './control/index.ts'
import { sayMended, writeLines, type CommandIo } from './io.ts'
import { shortId, type Config } from '../node/settings.ts'

/** What the commands about the history need, wherever it is kept open. */
export interface HistorySource {
  readonly history: Pick<ChatApi['history'], 'log' | 'search' | 'export' | 'conversations' | 'forget'>
  name(peer: string): string
  /** PEER among the contacts and the conversations. */
  resolve(words: readonly string[]): Promise<string>
}

/** @throws ProfileInUseError, StorageProblemError */
export async function withHistory<T>(
  io: CommandIo,
  config: Config,
  use: (source: HistorySource) => Promise<T>
): Promise<T> {
  return onProfile({
    config,
    signal: io.interrupted,
    running: async (parley) => use(runningHistory(parley)),
    say: (line) => writeLines(io.stderr, [`parley: ${line}`]),
    own: async () => {
      const { openHistory } = await import('../node/index.ts')
      const open = await openHistory(config)
      try {
        sayMended(io, open.mended)
        return await use(open)
      } finally {
        await open.close()
      }
    }
  })
}

/** Names as text shows them: where two have the same, the ID stands with it, so that nobody passes for another. */
export async function distinctNames(source: HistorySource): Promise<(peer: string) => string> {
  const conversations = await source.history.conversations()
  const peersOf = Map.groupBy(conversations, ({ peer }) => source.name(peer))
  return (peer) => {
    const name = source.name(peer)
    return (peersOf.get(name)?.length ?? 0) > 1 && name !== shortId(peer) ? `${name} (${shortId(peer)})` : name
  }
}
