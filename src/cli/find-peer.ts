// Whom the words of a command line name. At the start of a program a name may
// come onto the roster a moment later, so one that nobody has is waited for.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChatApi, PeerTarget, ResolveOptions } from './chat-api.ts'
import { NAME_LOOK_MS, RESOLVE_TIMEOUT_MS } from './constants.ts'
import { PeerNotFoundError } from '../node/settings.ts'

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
      const target = await node.resolve(words, { ...options, signal: deadline })
      looked.abort()
      return target
    } catch (error) {
      if (!(error instanceof PeerNotFoundError) || giveUp.aborted) {
        looked.abort()
        throw error
      }
    }
    await changed
  }
}

/** Resolves at the next change of the roster, or when the signal aborts. */
async function rosterChange(node: ChatApi, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const listener = (): void => over.abort()
  node.addEventListener('roster', listener)
  try {
    await sleep(NAME_LOOK_MS, undefined, { signal: AbortSignal.any([over.signal, signal]) }).catch(() => undefined)
  } finally {
    node.removeEventListener('roster', listener)
  }
}
