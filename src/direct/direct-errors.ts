// Why there is no direct path to a peer, for those who asked for one. The messages are
// causes, which every face shows behind "no direct path: ".

/** Why a direct path was not made. */
export type NoDirectPathWhy =
  /** The user keeps conversations on their relays. */
  | 'off'
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
  off: 'your setting "direct" is "never"',
  stranger: 'the peer is not your contact, and only contacts learn your address',
  'no-library': 'the optional package udx-native is missing',
  'not-relayed': 'it is negotiated over a relay, and no connection to the peer goes through one',
  refused: 'the peer does not accept one: you are not its contact, or it keeps conversations on relays',
  'asked-at-once': 'the peer asked for one at the same time, and its request goes on',
  'not-now': "this node can't make more of them now"
}

export class NoDirectPathError extends Error {
  override readonly name = 'NoDirectPathError'
  readonly why: NoDirectPathWhy

  constructor(why: NoDirectPathWhy) {
    super(messages[why])
    this.why = why
  }
}

/** Why datagrams did not get through, as far as the two sides know. */
export type NoWayThroughWhy = 'no-udp-here' | 'no-udp-there' | 'both-vary' | 'silent'

const wayMessages: Readonly<Record<NoWayThroughWhy, string>> = {
  'no-udp-here': 'UDP is blocked on this side: no directory has answered over it',
  'no-udp-there': 'UDP seems to be blocked on the other side: no directory has seen it there',
  'both-vary': 'both routers choose another port for each destination (symmetric)',
  silent: 'no datagram got through the routers in between'
}

/** Neither side has got a datagram through to the other. */
export class NoWayThroughError extends Error {
  override readonly name = 'NoWayThroughError'
  readonly why: NoWayThroughWhy

  constructor(why: NoWayThroughWhy) {
    super(wayMessages[why])
    this.why = why
  }
}
