// One round: both talk, and something happens to one of them or to the link
// between them at a moment that nobody chose. It doesn't judge; the histories
// are compared when all rounds are over.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chatter } from './chatter.ts'
import type { SeededRandom } from './seeded-random.ts'

export const messagesEachWay = 20

/** All at once, as a script does it, or over a while, as people do. */
const talkingTimesMs = [0, 150, 500]
/** A kill falls while they talk, while the last receipts are under way, or after all is over. */
const killedAfterTalkMs = 250
/** A start takes less: a kill within this falls before, at or after the moment of being ready. */
const killedAfterSpawnMs = 900
const cutForMs = 4_000

export interface Cable {
  cut(): Promise<void>
  repair(): Promise<void>
}

export interface RoundInit {
  readonly number: number
  readonly chatters: readonly [Chatter, Chatter]
  readonly random: SeededRandom
  /** Set when the link suffers too. */
  readonly cable?: Cable
}

/** @returns what happened, in words */
export async function playRound({ number, chatters, random, cable }: RoundInit): Promise<string> {
  const talkMs = random.choose(talkingTimesMs)
  const talks = chatters.map(async (who) => talk(who, number, moments(random, talkMs)))
  const victim = random.choose(chatters)
  const killAfterMs = random.upTo(talkMs + killedAfterTalkMs)
  const isKilledWhileStarting = random.isOne(3)
  const startedForMs = random.upTo(killedAfterSpawnMs)
  // With a link that suffers, every second round leaves the processes alone.
  const hasKill = cable === undefined || random.isOne(2)
  const isCut = cable !== undefined && (!hasKill || random.isOne(2))
  const cutAfterMs = random.upTo(talkMs + killedAfterTalkMs)
  const repairAfterMs = random.upTo(cutForMs)

  const happens: Promise<void>[] = [...talks]
  if (hasKill) happens.push(killAndRestart(victim, killAfterMs, isKilledWhileStarting ? startedForMs : undefined))
  if (isCut) happens.push(cutAndRepair(cable, cutAfterMs, repairAfterMs))
  await Promise.all(happens)

  const kill = `${victim.name} killed after ${Math.round(killAfterMs)} ms`
  const again = isKilledWhileStarting ? `, and while it started, after ${Math.round(startedForMs)} ms` : ''
  const cut = `link cut for ${Math.round(repairAfterMs)} ms`
  return [...(hasKill ? [kill + again] : []), ...(isCut ? [cut] : [])].join('; ')
}

async function talk(who: Chatter, round: number, saidAtMs: readonly number[]): Promise<void> {
  const startedAtMs = performance.now()
  for (const [index, atMs] of saidAtMs.entries()) {
    const waitMs = startedAtMs + atMs - performance.now()
    if (waitMs > 1) await sleep(waitMs)
    who.say(`round ${round}, ${who.name} ${index + 1}`)
  }
}

function moments(random: SeededRandom, withinMs: number): readonly number[] {
  return Array.from({ length: messagesEachWay }, () => random.upTo(withinMs)).toSorted((a, b) => a - b)
}

async function killAndRestart(victim: Chatter, afterMs: number, startedForMs: number | undefined): Promise<void> {
  await sleep(afterMs)
  await victim.kill()
  if (startedForMs !== undefined) {
    await victim.spawn()
    await sleep(startedForMs)
    await victim.kill()
  }
  await victim.start()
}

async function cutAndRepair(cable: Cable, afterMs: number, repairAfterMs: number): Promise<void> {
  await sleep(afterMs)
  await cable.cut()
  await sleep(repairAfterMs)
  await cable.repair()
}
