// What a node reports about itself, its network and remotes that misbehave, for a person to
// read. A code says which notice it is; the text is made beside what it is about.

/** One remote, one act. */
export interface Misbehaviour {
  /** The peer ID, when its key is known. */
  readonly peer?: string
  /** Where it is connected from, as people write it: `203.0.113.7:4001`. */
  readonly address: string
  /** Which rule it broke: a remote is reported for each. */
  readonly breach: string
  /** What it did, to follow its name: `sent too many pings`. */
  readonly what: string
  /** The consequence, as a sentence without its end: `Its connection was cut`. */
  readonly action: string
}

/** A report: how often it happened since the last report of the same remote and breach. */
export interface MisbehaviourReport extends Misbehaviour {
  readonly times: number
  /** All of it in words. */
  readonly text: string
}

/** What there was since the start. */
export interface MisbehaviourSummary {
  readonly count: number
  readonly last?: Misbehaviour & { readonly atMs: number }
}

/** Facts about the user's own node and its network, which a face shows when they change. */
export type Notice =
  | { readonly code: 'port-taken'; readonly text: string }
  /** Peers on a link of this machine can't be found by mDNS, or can be again; `works`: they can on some link. */
  | { readonly code: 'no-multicast' | 'multicast'; readonly text: string; readonly works: boolean }
  /** Another key answers at an address, or goes by the name of a contact: the loudest of all. */
  | {
      readonly code: 'key-changed'
      readonly text: string
      readonly by: 'address' | 'name'
      /** The peer ID of the new key. */
      readonly peer: string
      /** That of the key which was known, and whether it is verified. */
      readonly was: string
      readonly verified: boolean
    }
  | { readonly code: 'learned-key'; readonly text: string }
  /** The maker of an invitation whose code was typed here is a contact now. */
  | { readonly code: 'met'; readonly text: string; readonly peer: string }
  /** A directory shows what is not so, or does not show what is. */
  | { readonly code: 'directory'; readonly text: string }
  /** A relay that the user named can be used now, or no longer. */
  | { readonly code: 'relay'; readonly text: string }
  | { readonly code: 'router'; readonly text: string }
  | { readonly code: 'fault'; readonly text: string }
  /** The room for strangers' messages is nearly full, or some of them were deleted. */
  | { readonly code: 'requests'; readonly text: string }
  /** Text of another program was not kept, and its sender does not know. */
  | { readonly code: 'unkept'; readonly text: string; readonly peer: string }
  /** Messages are not stored: a contact has used its share of the disk, or the disk is nearly full. */
  | { readonly code: 'disk'; readonly text: string; readonly peer?: string }
  /** A remote broke a rule or went beyond its budget, and what was done about it. */
  | ({ readonly code: 'misbehaviour' } & MisbehaviourReport)
  /** Connections have begun to give way because there are too many, or no longer do. */
  | { readonly code: 'too-many-connections'; readonly text: string }
  /** The history was damaged: what was lost, and where. */
  | { readonly code: 'history'; readonly text: string }
  /** The node to which this face is attached has ended, or answers again. */
  | { readonly code: 'node-gone' | 'node-back'; readonly text: string }
  /** Options of this face mean nothing to a node that runs already. */
  | { readonly code: 'not-applied'; readonly text: string }
  /** Other users of the machine had access to files of the profile; that is mended. */
  | { readonly code: 'file-modes'; readonly text: string }
  /** They could read the identity key itself. */
  | { readonly code: 'exposed-key'; readonly text: string }
