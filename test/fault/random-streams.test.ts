// Streams of random bytes, on every protocol that a node serves: it stays up, its
// memory stays bounded, and nobody else notices.
import { createHash, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { onTestFinished, test } from 'vitest'
import { Attacker, chatProtocol, directoryProtocol, openStream, recordProtocol } from './attacker.ts'
import { Bystanders } from './bystanders.ts'

/** PARLEY_LONG=1 asks for the long round. */
const times = process.env['PARLEY_LONG'] === '1' ? 10 : 1
const streamsToChat = 1_000 * times
const streamsToOthers = 100 * times
/** Each has a connection with so many streams under way: few enough that most are read, and not refused for their number. */
const attackersAtOnce = 6
const streamsAtOnce = 3
const comeBackAfterMs = 200
const maxTries = 50
const longestBytes = 2_048

test(`random bytes as ${streamsToChat + 2 * streamsToOthers} streams disturb nobody`, async () => {
  const seed = randomInt(2 ** 32)
  process.stdout.write(`  the seed of the random bytes: ${seed}\n`)
  const all = await Bystanders.start()
  onTestFinished(async () => all.stop())
  const random = new RandomBytes(seed)
  const figures = await all.during(async () => {
    await flood(await all.victim.address(), chatProtocol, streamsToChat, random)
    await flood(await all.victim.address(), recordProtocol, streamsToOthers, random)
    await flood(await all.directoryAddress(), directoryProtocol, streamsToOthers, random)
  })
  process.stdout.write(`  ${JSON.stringify(figures)}\n`)
})

/** Half of the attackers pass for Parley, half for a chat program of another make. Resolves when all streams were opened. */
async function flood(address: string, protocol: string, streams: number, random: RandomBytes): Promise<void> {
  let left = streams
  await Promise.all(
    Array.from({ length: attackersAtOnce }, async (_, index) => {
      const attacker = await Attacker.start({ looksLikeParley: index % 2 === 0 })
      onTestFinished(async () => attacker.stop())
      let connection = await attacker.connect(address)
      let connecting: Promise<Connection> | undefined
      const lane = async (): Promise<void> => {
        while (left > 0) {
          left -= 1
          const used = connection
          if (await oneStream(used, protocol, random)) continue
          // No room for more streams, or cut for what it did: it comes back with the next connection.
          left += 1
          connecting ??= reconnect(used, attacker, address).finally(() => (connecting = undefined))
          connection = await connecting
        }
      }
      await Promise.all(Array.from({ length: streamsAtOnce }, lane))
    })
  )
}

/** A node takes so many connections of one address in a second, and no more: an attacker that is refused comes again. */
async function reconnect(used: Connection, attacker: Attacker, address: string): Promise<Connection> {
  if (used.status === 'open') used.abort(new Error('on purpose'))
  for (let tries = 1; ; tries++) {
    // It loses no time: meanwhile the others attack.
    await sleep(comeBackAfterMs)
    try {
      return await attacker.connect(address)
    } catch (error) {
      if (tries === maxTries) throw error
    }
  }
}

/** @returns whether the stream was opened; what becomes of it then is no matter */
async function oneStream(connection: Connection, protocol: string, random: RandomBytes): Promise<boolean> {
  const bytes = random.next(1 + (random.number() % longestBytes))
  const end = random.number() % 256
  let stream: Stream
  try {
    stream = await openStream(connection, protocol)
    stream.send(bytes)
  } catch {
    return false
  }
  // One in 256 is left lying, half of the others are reset, and half are closed as they should be.
  if (end === 0) return true
  if (end % 2 === 0) stream.abort(new Error('on purpose'))
  else await stream.close({ signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
  return true
}

/** Bytes that a seed determines, so that a failure can be seen again. */
class RandomBytes {
  readonly #seed: number
  #count = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  next(length: number): Uint8Array {
    this.#count += 1
    return createHash('shake256', { outputLength: length }).update(`${this.#seed} ${this.#count}`).digest()
  }

  number(): number {
    return Buffer.from(this.next(4)).readUInt32LE()
  }
}
