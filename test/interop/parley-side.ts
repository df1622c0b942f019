/**
 * Parley as one side of a conversation: the real command, run as a process with
 * `--json`. It is the only file here that knows how Parley is driven.
 */
import { JsonParley, ParleyProcessError } from '../fault/json-parley.ts'
import { DeadlineError, type ChatSide } from './chat-side.ts'

const timeoutMs = 20_000

export class ParleySide implements ChatSide {
  readonly name = 'Parley'
  readonly showsEmptyTexts = false
  #process: JsonParley | undefined

  async listen(): Promise<string> {
    this.#process = await JsonParley.start({ args: ['--accept', 'all'] })
    return this.#process.address()
  }

  async dial(address: string): Promise<void> {
    this.#process = await JsonParley.start({ args: ['--accept', 'all'] })
    const { peer } = await this.#process.do({ do: 'chat', peer: address })
    await this.#process.untilConversation(String(peer), 'open', timeoutMs)
  }

  /** To the peer that opened a conversation last. */
  async send(text: string): Promise<void> {
    const parley = this.#running()
    const peer = await parley.until('conversation', () => lastOpened(parley), timeoutMs)
    await parley.do({ do: 'send', peer, text })
  }

  async received(count: number): Promise<readonly string[]> {
    const parley = this.#running()
    const texts = (): readonly string[] =>
      parley.events.flatMap((one) => (one.event === 'message' ? [String(one['text'])] : []))
    try {
      return await parley.until(`${count} texts`, () => (texts().length >= count ? texts() : undefined), timeoutMs)
    } catch (error) {
      if (!(error instanceof ParleyProcessError)) throw error
      throw new DeadlineError(`${error.message}; received ${texts().length} texts`, { cause: error })
    }
  }

  /** All that was told of the state of conversations, oldest first. */
  conversationStates(): readonly string[] {
    const told = this.#running().events.filter(({ event }) => event === 'conversation')
    return told.map((one) => String(one['state']))
  }

  /** To the peer that opened a conversation last and back, measured now. */
  async roundTripMs(): Promise<unknown> {
    const parley = this.#running()
    return (await parley.do({ do: 'path', peer: lastOpened(parley) }))['rttMs']
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
  }

  #running(): JsonParley {
    if (this.#process === undefined) throw new Error('listen() or dial() comes first')
    return this.#process
  }
}

function lastOpened(parley: JsonParley): string | undefined {
  const opened = parley.events.findLast((one) => one.event === 'conversation' && one['state'] === 'open')
  return opened === undefined ? undefined : String(opened['peer'])
}
