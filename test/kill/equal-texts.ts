// A round in which several clients send the same text through one chat, which is killed meanwhile and started again: a text
// tells nothing about which message is whose. It doesn't judge; what the clients were told is compared at the end.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chatter } from './chatter.ts'
import { sendByCommand, sendBySocket, type Told } from './clients.ts'
import type { SeededRandom } from './seeded-random.ts'

export const clientsOfARound = { commands: 3, guests: 3 } as const

const text = 'the build is red'
/** A command takes about this long until it asks: so some ask before the kill, some at it, and some of the next chat. */
const clientsStartWithinMs = 800
const killedWithinMs = 2_000
/** Within this after the first message is stored some clients have been answered, and others not yet. */
const killedAfterFirstMs = 60
/** A start takes less: a kill within this falls before, at or after the moment of being ready. */
const killedAfterSpawnMs = 900

export interface EqualTextsInit {
  readonly sender: Chatter
  readonly receiver: Chatter
  readonly random: SeededRandom
}

export interface EqualTextsRound {
  readonly told: readonly Told[]
  /** What happened, in words. */
  readonly happened: string
}

export async function playEqualTexts({ sender, receiver, random }: EqualTextsInit): Promise<EqualTextsRound> {
  const client = { ...sender.commandLine, address: await receiver.address(), text }
  const { commands, guests } = clientsOfARound
  const kinds = [
    ...Array.from({ length: commands }, () => sendByCommand),
    ...Array.from({ length: guests }, () => sendBySocket)
  ]

  const isKilledAtFirst = random.isOne(2)
  const killAfterMs = random.upTo(isKilledAtFirst ? killedAfterFirstMs : killedWithinMs)
  const startedForMs = random.isOne(3) ? random.upTo(killedAfterSpawnMs) : undefined

  const startsAfterMs = kinds.map(() => random.upTo(isKilledAtFirst ? 0 : clientsStartWithinMs))
  const first = isKilledAtFirst ? sender.nextSent() : undefined
  const telling = kinds.map(async (send, index) => {
    await sleep(startsAfterMs[index])
    // It asks at once, while a command still starts.
    if (send === sendBySocket) await first
    return send(client)
  })
  await first
  await sleep(killAfterMs)
  await sender.kill()
  if (startedForMs !== undefined) {
    await sender.spawn()
    await sleep(startedForMs)
    await sender.kill()
  }
  await sender.startWhenFree()
  const since = isKilledAtFirst ? ' of the first message' : ''
  const again = startedForMs === undefined ? '' : `, and while it started, after ${Math.round(startedForMs)} ms`
  const happened = `${sender.name} killed after ${Math.round(killAfterMs)} ms${since}${again}`
  return { told: await Promise.all(telling), happened }
}
