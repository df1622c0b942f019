// What an attack is, what it is aimed at, and what it reports. An attack knows
// the wire and one weakness that a node could have; how the victim fared, others
// measure.

/** A node under attack: a chat or a directory, on loopback. */
export interface Target {
  readonly kind: 'chat' | 'directory'
  readonly host: string
  readonly port: number
  /** Its peer ID. */
  readonly peer: string
  readonly network: string
  /** The port of a directory's page. */
  readonly httpPort: number
  /** The port of a directory's WebSocket. */
  readonly wsPort: number
  /** Where the chat looks for the relay that its user named, for an attack by that relay; nothing listens there before. */
  readonly relayPort: number
  /** The raw private key of a contact of the victim (base64), for attacks by a contact. */
  readonly contactKey: string
}

/** What an attack is given by the process that runs it. */
export interface AttackContext {
  readonly target: Target
  /** Ends the attack; nothing that an attack does outlives it. */
  readonly signal: AbortSignal
  /** An IPv4 loopback address of the attacker's own. */
  readonly source: string
  /** Counts bytes that were handed to the system for the victim. */
  sent(bytes: number): void
  /** A peer ID or address that the attacker has used beside `source`, so that it can be looked for in what the victim says. */
  identity(name: string): void
}

export interface Bounds {
  /** By how much the victim's heap and external memory may have grown after the attack and a collection, in bytes. */
  readonly keptBytes: number
  /** The most that it may have held at any time during the attack, beyond what it held before, in bytes. */
  readonly heldBytes: number
  /** Processor time of the victim for each MB that the attacker sent, in milliseconds; undefined where few bytes do the harm. */
  readonly cpuMsPerMb: number | undefined
}

export interface Attack {
  /** A short name, for `npm run attack -- NAME`. */
  readonly name: string
  /** What the attacker does, as a sentence without a subject: "sends a length that never ends before Noise". */
  readonly does: string
  readonly against: readonly Target['kind'][]
  /** One of those that continuous integration runs. */
  readonly inSample?: boolean
  /** The victim must name the attacker, by a peer ID or an address of its own. */
  readonly named?: boolean
  /** It is reported once an episode: the victim is one that was not attacked before. */
  readonly needsFreshVictim?: boolean
  /** The user of the chat has named a relay, and the attacker is that relay. */
  readonly isNamedRelay?: boolean
  readonly bounds?: Partial<Bounds>
  /** What it waits for before its time begins. */
  prepare?(context: AttackContext): Promise<void>
  run(context: AttackContext): Promise<void>
}

/** Bounds of an attack that states none of its own. */
export const DEFAULT_BOUNDS: Bounds = {
  keptBytes: 32 * 1024 * 1024,
  heldBytes: 32 * 1024 * 1024,
  cpuMsPerMb: 500
}
