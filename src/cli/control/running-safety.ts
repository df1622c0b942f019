// The safety number of a peer as the parley that runs on the profile tells it,
// after the mark was set or taken back there. It knows nothing of how it is shown.
import type { NameOwner } from '../chat-api.ts'
import type { SafetyView } from '../trust-wording.ts'
import { NoAnswerError } from './errors.ts'
import { isJson } from './message-json.ts'
import type { Json, RunningParley } from './running-parley.ts'

/** The command of the chat, by what is to be done. */
const commands = { show: 'verify', verified: 'confirm', unverified: 'unverify' } as const

/** @throws RunningCommandError as the other process told it; NoAnswerError */
export async function runningSafety(
  parley: RunningParley,
  words: readonly string[],
  change: SafetyView['done']
): Promise<SafetyView> {
  // To look at the number of whoever has a nickname does no harm; to mark it would.
  const done = await parley.ask({ do: commands[change ?? 'show'], peer: words, trustName: change === undefined })
  const view = readSafety(done)
  if (view === undefined) throw new NoAnswerError(undefined)
  return change === undefined ? view : { ...view, done: change }
}

function readSafety({ peer, name, shortId, safetyNumber, verifiedSinceMs, sameNameAs }: Json): SafetyView | undefined {
  if (typeof peer !== 'string' || typeof name !== 'string' || typeof shortId !== 'string') return undefined
  if (typeof safetyNumber !== 'string') return undefined
  const owner = isJson(sameNameAs) ? readOwner(sameNameAs) : undefined
  return {
    peer,
    name,
    shortId,
    groups: safetyNumber.split(' '),
    ...(typeof verifiedSinceMs === 'number' ? { verifiedSinceMs } : {}),
    ...(owner === undefined ? {} : { sameNameAs: owner })
  }
}

function readOwner({ peer, name, shortId, verified, own }: Json): NameOwner | undefined {
  if (typeof peer !== 'string' || typeof name !== 'string' || typeof shortId !== 'string') return undefined
  return { peer, name, shortId, verified: verified === true, own: own === true }
}
