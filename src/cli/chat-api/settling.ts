// The end of a face: its last messages get a short time to arrive, and those that
// wait after it are counted for the user. It keeps no messages; a face knows its own.
import type { ChatApi, HistoryApi, OutgoingMessage } from './chat-api.ts'

export interface SettlingOptions {
  readonly signal: AbortSignal
  /** QUIT does not wait for what can't arrive now; after the end of input the peer may still be found. */
  readonly isQuitting: boolean
}

/** Resolves when none of these messages is pending any more, or the signal says so. */
export async function untilSettled(
  node: Pick<ChatApi, 'messaging' | 'peers'>,
  messages: readonly OutgoingMessage[],
  { signal, isQuitting }: SettlingOptions
): Promise<void> {
  // One after the other, and each absent peer passed over once: to wait for tens of thousands at once, or to look at the
  // peer of each, would take longer than the signal allows.
  for (const [peer, own] of Map.groupBy(messages, (message) => message.peer)) {
    for (const message of own) {
      if (signal.aborted) return
      if (isQuitting && !mayArriveNow(node, peer)) break
      await node.messaging.settled(message, { signal }).catch(() => undefined) // what still waits is reported
    }
  }
}

/** The lines about messages that still wait at the end; none when there are none. */
export async function waitingLines(history: Pick<HistoryApi, 'waiting'>): Promise<readonly string[]> {
  const { messages, isAll } = await history.waiting(MAX_COUNTED_WAITING)
  if (messages === 0) return []
  const isOne = messages === 1 && isAll
  const what = isOne ? 'One message is' : `${isAll ? '' : 'More than '}${messages} messages are`
  const peer = isOne ? 'its peer is' : 'their peers are'
  return [`${what} waiting, to be sent the next time that ${peer} online.`]
}

function mayArriveNow(node: Pick<ChatApi, 'peers'>, peer: string): boolean {
  const { name } = node.peers.look(peer).state
  return name === 'open' || name === 'connecting'
}

/** After the end of input, how long what was sent may take to arrive. */
export const SETTLE_AT_END_MS = 10_000

/** After QUIT, how long the last lines may take to arrive: the user waits at the terminal. */
export const SETTLE_AT_QUIT_MS = 1500

/** Waiting messages are counted up to here; an exact number beyond it is of no use. */
export const MAX_COUNTED_WAITING = 1000
