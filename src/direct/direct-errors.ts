// Why there is no direct path to a peer, for those who asked for one.

/** Why a direct path was not made. */
export type NoDirectPathWhy =
  /** Only contacts learn where this machine is. */
  | 'stranger'
  /** udx-native is not installed, or not for this machine. */
  | 'no-library'
  /** The two are not connected through a relay, over which they could agree. */
  | 'not-relayed'
  /** The other side makes none, or none now. */
  | 'refused'
  /** The other side asks at the same moment: its question goes on. */
  | 'asked-at-once'
  /** This node makes as many as it may, or is stopped. */
  | 'not-now'

const messages: Readonly<Record<NoDirectPathWhy, string>> = {
  stranger: 'direct paths are made to contacts only: add the peer as a contact first',
  'no-library': 'the optional package udx-native is missing, so conversations through a relay stay there',
  'not-relayed': 'a direct path is negotiated over a relay, and no connection to the peer goes through one',
  refused: 'the peer does not accept a direct path now',
  'asked-at-once': 'the peer asked for a direct path at the same time, and its request goes on',
  'not-now': "this node can't make a direct path now"
}

export class NoDirectPathError extends Error {
  override readonly name = 'NoDirectPathError'
  readonly why: NoDirectPathWhy

  constructor(why: NoDirectPathWhy) {
    super(messages[why])
    this.why = why
  }
}
