/**
 * What Parley changes in libp2p, as one record of switches. Each change makes something cheaper, or mends a fault, and
 * each can be off: what is left is stock libp2p, and both sides talk as before. Defences have no switch here: what
 * bounds a remote (bounded-yamux, guarded-upgrade, negotiation, peer-id-bounds) stays on.
 *
 * docs/internals/libp2p-patches.md has the gain of each and what would have to change upstream.
 */
import { env } from 'node:process'

export interface Tuning {
  /** lean-sends: one write for what is sent in one turn, by a socket's `write`. */
  readonly gatheredWrites: boolean
  /** lean-sends: past the queues of libp2p's streams while nothing waits in them, by `send`. */
  readonly directSends: boolean
  /** eager-noise: the answer to the proposal of Noise is not waited for, by `onData` of a dialled connection. */
  readonly eagerNoise: boolean
  /** noise-streams: sealed messages are cut without an exception for each read, by `decoder.decode`. */
  readonly leanNoise: boolean
  /** noise-crypto: Noise by libsodium, where it is installed, by an option of Noise. */
  readonly libsodium: boolean
  /** window-updates: small window updates wait until they are worth a frame, by the `send` that Yamux is given. */
  readonly heldWindowUpdates: boolean
  /** connection-list: the list of all connections is kept instead of made, by `getConnections`. */
  readonly connectionList: boolean
  /** quiet-logger: libp2p logs to nothing unless its log is asked for, by an option of libp2p. */
  readonly quietLogger: boolean
  /** zoned-addresses: link-local IPv6 addresses are dialled and listened on, by an upgrader and fields of a listener. */
  readonly zonedAddresses: boolean
}

export const allTuning: Tuning = {
  gatheredWrites: true,
  directSends: true,
  eagerNoise: true,
  leanNoise: true,
  libsodium: true,
  heldWindowUpdates: true,
  connectionList: true,
  quietLogger: true,
  zonedAddresses: true
}

export const noTuning: Tuning = {
  gatheredWrites: false,
  directSends: false,
  eagerNoise: false,
  leanNoise: false,
  libsodium: false,
  heldWindowUpdates: false,
  connectionList: false,
  quietLogger: false,
  zonedAddresses: false
}

/** `PARLEY_TUNING` names no switch of {@link Tuning}. */
class UnknownTuningError extends Error {
  override readonly name = 'UnknownTuningError'
  readonly word: string

  constructor(word: string) {
    const names = Object.keys(allTuning).join(', ')
    super(`PARLEY_TUNING has "${word}": write "off", or the names of what is to be off, with commas (${names})`)
    this.word = word
  }
}

/**
 * For tests and support, so that a fault can be looked for in stock libp2p.
 *
 * @param words what `PARLEY_TUNING` holds: nothing, `off`, or the names of the switches to turn off, with commas
 * @throws {UnknownTuningError}
 */
export function readTuning(words: string | undefined): Tuning {
  if (words === undefined || words === '') return allTuning
  if (words === 'off') return noTuning
  const off = words.split(',').map((word) => word.trim())
  for (const word of off) if (!Object.hasOwn(allTuning, word)) throw new UnknownTuningError(word)
  return { ...allTuning, ...Object.fromEntries(off.map((name) => [name, false])) }
}

/** The tuning of a host that is given none. */
export function defaultTuning(): Tuning {
  return readTuning(env['PARLEY_TUNING'])
}
