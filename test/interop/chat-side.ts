/**
 * What a conversation under test needs of each of its two sides, whatever implements it:
 * Parley, a foreign chat peer, or a bare libp2p node.
 */
export interface ChatSide {
  readonly name: string

  /** Whether it shows a message that is empty, or drops it. */
  readonly showsEmptyTexts: boolean

  /** Starts and listens on loopback. Resolves to a multiaddr with the peer ID. */
  listen(): Promise<string>

  /** Starts if need be, and dials. Resolves when a message can be sent. */
  dial(address: string): Promise<void>

  /** Sends one message to the peer of the current conversation. */
  send(text: string): Promise<void>

  /**
   * The texts received since the start, oldest first, as soon as there are at least
   * `count` of them.
   *
   * @throws {DeadlineError} when they do not come in time; it shows those that came
   */
  received(count: number): Promise<readonly string[]>

  stop(): Promise<unknown>
}

/** Something awaited did not happen in time; the message names it and what came instead. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}
