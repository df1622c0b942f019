// A command's work on a profile, held or free: through the parley that runs
// on it, or on the profile itself when none does. It knows nothing of the work.
import { setTimeout as sleep } from 'node:timers/promises'
import { WORTH_A_WORD_MS } from '../process/progress-line.ts'
import { exitCodes, ParleyError, type Config } from '../../node/settings.ts'
import { NoAnswerError, runningParley, type RunningParley } from './running-parley.ts'

/**
 * A profile that is held by a parley that is just starting or ending, on a busy machine, is tried again for so long.
 */
const HELD_PROFILE_MS = 10_000

/** How often it is tried. */
const HELD_PROFILE_POLL_MS = 100

export interface ProfileWork<T> {
  readonly config: Config
  readonly signal: AbortSignal
  /** The work through a parley that runs; its connection is closed afterwards. */
  readonly running: (parley: RunningParley) => Promise<T>
  /** The work without one. It opens the profile, or fails with the exit code `profileInUse`. */
  readonly own: () => Promise<T>
  /** Called once, when another parley has held the profile for a while. */
  readonly say?: (line: string) => void
}

/**
 * Runs one of the two, once. A profile held by a parley that does not listen, because it is just starting or
 * ending or never listens, is tried again for a while.
 *
 * @throws what the work throws; ProfileInUseError
 */
export async function onProfile<T>({ config, signal, running, own, say }: ProfileWork<T>): Promise<T> {
  const startedAtMs = performance.now()
  let hasSaid = false
  for (;;) {
    const parley = await runningParley(config, { signal }).catch(hasEnded)
    if (parley !== undefined) {
      try {
        return await running(parley)
      } finally {
        parley.close()
      }
    }
    try {
      return await own()
    } catch (error) {
      const isHeld = error instanceof ParleyError && error.exitCode === exitCodes.profileInUse
      const heldForMs = performance.now() - startedAtMs
      if (!isHeld || heldForMs >= HELD_PROFILE_MS) throw error
      if (!hasSaid && heldForMs >= WORTH_A_WORD_MS) {
        hasSaid = true
        say?.('another parley holds the profile and is starting or ending: waiting …')
      }
    }
    await sleep(HELD_PROFILE_POLL_MS, undefined, { signal })
  }
}

/** One that hangs up before it is ready is just ending: none runs. */
function hasEnded(error: unknown): undefined {
  if (!(error instanceof NoAnswerError) || error.timeoutMs !== undefined) throw error
  return undefined
}
