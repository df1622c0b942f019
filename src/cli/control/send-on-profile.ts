// One message sent from a profile, whoever holds it: by a node of our own, or
// by the parley that runs. When that one ends while the message still waits, the
// message is in the profile: whoever has the profile next goes on with it.
import { RESOLVE_TIMEOUT_MS } from '../constants.ts'
import type { Config } from '../../node/settings.ts'
import { NoAnswerError, OtherNetworkError } from './errors.ts'
import { onProfile } from './on-profile.ts'
import { LeftWaitingError, RunningNode, type SendingNode, type Sent } from './running-node.ts'
import type { RunningParley } from './running-parley.ts'

export interface SendOnProfile<T> {
  readonly config: Config
  readonly signal: AbortSignal
  readonly words: readonly string[]
  readonly text: string
  readonly trustName: boolean
  /**
   * Runs a node on the profile; sends there unless the message has been sent already; finishes there. `askedAtMs` is
   * set when a parley was asked to send and ended before it had answered: the message may be in the history since then.
   */
  readonly own: (sent: Sent | undefined, askedAtMs: number | undefined) => Promise<T>
  /** Wraps the time in which a running parley finds out whom the words mean. */
  readonly looking: <S>(work: Promise<S>) => Promise<S>
  /** Waits for what becomes of the message, and says it. */
  readonly finish: (node: SendingNode, sent: Sent) => Promise<T>
  readonly say: (line: string) => void
}

/** @throws ParleyError with the exit code that a node of our own would have ended with */
export async function sendOnProfile<T>(init: SendOnProfile<T>): Promise<T> {
  const { config, signal, finish } = init
  let sent: Sent | undefined
  let askedAtMs: number | undefined
  const running = async (parley: RunningParley): Promise<T> => {
    checkNetwork(parley, config)
    const node = new RunningNode(parley)
    // Whoever runs by now can't be asked whether the message is there, and it must not go out twice.
    if (sent === undefined && askedAtMs !== undefined) throw new NoAnswerError(undefined)
    const startedMs = Date.now()
    if (sent === undefined) {
      const sending = node.send(init.words, init.text, { trustName: init.trustName, signal })
      sent = await init.looking(sending).catch((error: unknown) => {
        if (!(error instanceof NoAnswerError) || error.timeoutMs !== undefined) throw error
        askedAtMs = startedMs
        throw new LeftWaitingError('the parley that was to send it has ended', { cause: error })
      })
    } else
      await node.takeUp(sent.message, { signal: AbortSignal.any([signal, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)]) })
    return finish(node, sent)
  }
  for (;;) {
    try {
      return await onProfile({ config, signal, running, own: async () => init.own(sent, askedAtMs), say: init.say })
    } catch (error) {
      if (!(error instanceof LeftWaitingError)) throw error
    }
  }
}

/** Who asks for another network than the one that the running parley is on would reach somebody else there. */
function checkNetwork({ ready }: RunningParley, { settings }: Config): void {
  const network = String(ready['network'])
  if (network !== settings.network) throw new OtherNetworkError(settings.profile, network, settings.network)
}
