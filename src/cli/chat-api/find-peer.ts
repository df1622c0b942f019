// The peer that the words of a command line name. At the start of a program a name may
// come onto the roster a moment later, so an unknown one is waited for.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChatApi, PeerTarget, ResolveOptions } from './chat-api.ts'

/** How long `parley send` looks for a name that nobody has yet: peers on a LAN find each other within 2 s. */
const NAME_LOOK_MS = 3000

/** @throws what ChatApi.resolve throws; PeerNotFoundError only after some seconds of looking */
export async function findPeer(
  node: ChatApi,
  words: readonly string[],
  options: ResolveOptions & { readonly signal: AbortSignal }
): Promise<PeerTarget> {
  const { signal } = options
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(NAME_LOOK_MS)])
  for (;;) {
    // Listening begins before the look, so that no change falls between the two.
    const looked = new AbortController()
    const changed = rosterChange(node, AbortSignal.any([giveUp, looked.signal]))
    try {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)])
      const target = await node.peers.resolve(words, { ...options, signal: deadline })
      looked.abort()
      return target
    } catch (error) {
      if (!isNamed(error, 'PeerNotFoundError') || giveUp.aborted) {
        looked.abort()
        throw error
      }
    }
    await changed
  }
}

/** An error that may have been thrown in another process, where its class is not ours. */
export function isNamed(error: unknown, ...names: readonly string[]): error is Error {
  return error instanceof Error && names.includes(error.name)
}

/** Resolves at the next change of the roster, or when the signal aborts. */
async function rosterChange(node: ChatApi, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const listener = (): void => over.abort()
  node.events.addEventListener('roster', listener)
  try {
    await sleep(NAME_LOOK_MS, undefined, { signal: AbortSignal.any([over.signal, signal]) }).catch(() => undefined)
  } finally {
    node.events.removeEventListener('roster', listener)
  }
}

/** Looking up or dialling what was typed at the prompt. */
export const RESOLVE_TIMEOUT_MS = 8000
