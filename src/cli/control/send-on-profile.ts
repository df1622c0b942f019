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
  /** The id of the message: with it every parley that is asked in turn sends it once. */
  readonly id: string
  /** Runs a node on the profile; sends there unless the message has been sent already; finishes there. */
  readonly own: (sent: Sent | undefined) => Promise<T>
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
  const running = async (parley: RunningParley): Promise<T> => {
    checkNetwork(parley, config)
    const node = new RunningNode(parley)
    if (sent === undefined) {
      const { id, trustName } = init
      const sending = node.send(init.words, init.text, { id, trustName, signal })
      sent = await init.looking(sending).catch((error: unknown) => {
        if (!(error instanceof NoAnswerError) || error.timeoutMs !== undefined) throw error
        throw new LeftWaitingError('the parley that was to send it has ended', { cause: error })
      })
    } else
      await node.takeUp(sent.message, { signal: AbortSignal.any([signal, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)]) })
    return finish(node, sent)
  }
  for (;;) {
    try {
      return await onProfile({ config, signal, running, own: async () => init.own(sent), say: init.say })
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
