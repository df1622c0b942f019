// A history that is restored from a backup has numbers of its log to give that the other side holds already, for messages
// that the backup has not. Real processes on both sides: no number stands for two messages, and the other side loses none.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JsonParley, randomNetwork } from './json-parley.ts'
import { historyIn, profileIn } from '../processes/homes.ts'
import { freePort } from '../processes/ports.ts'

let folder: string
let network: string
let port: number
let running: JsonParley[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-restored-'))
  network = randomNetwork()
  port = await freePort()
  running = []
})

afterEach(async () => {
  await Promise.all(running.map(async (parley) => parley.stop()))
  rmSync(folder, { recursive: true })
})

test.each([
  { missing: 7, written: 5 },
  // So many that the numbers of the copy have overtaken those over there before the two meet.
  { missing: 3, written: 9 }
])(
  'a history that is restored from an old copy which $missing messages are missing in starts a new log for $written that are written before the two meet',
  async ({ missing, written }) => {
    const home = join(folder, 'anna')
    let anna = await start(home)
    let berta = await startBerta()
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    const say = async (texts: readonly string[]): Promise<readonly string[]> => {
      for (const text of texts) await anna.do({ do: 'send', peer: bertaId, text })
      await anna.untilDelivered(texts.length)
      return texts
    }
    await anna.do({ do: 'open', peer: await berta.address() })
    const saved = await say(['saved 1', 'saved 2', 'saved 3'])
    expect(await anna.quit()).toBe(0)
    const copy = readFileSync(historyIn(home))
    anna = await start(home)
    const unsaved = await say(Array.from({ length: missing }, (_, n) => `not in the copy ${n}`))
    expect(await anna.quit()).toBe(0)
    writeFileSync(historyIn(home), copy)

    await berta.stop()
    anna = await start(home)
    const after = Array.from({ length: written }, (_, n) => `after ${n}`)
    for (const text of after) await anna.do({ do: 'send', peer: bertaId, text })
    berta = await startBerta()
    await anna.untilDelivered(after.length)
    expect(await berta.textsWith(annaId, 'accepted')).toEqual([...saved, ...unsaved, ...after])
    expect(await anna.textsWith(bertaId, 'delivered')).toEqual([...saved, ...after])
    // Whatever is said once the two have met again can't be taken for something that was said before.
    await anna.do({ do: 'send', peer: bertaId, text: 'later' })
    await anna.untilDelivered(after.length + 1)
    const numbers = await numbersOf(berta, annaId)
    const [[firstLog] = [], [newLog] = []] = [numbers[0], numbers.at(-1)]
    expect(newLog).not.toBe(firstLog)
    expect(numbers).toEqual([
      ...[...saved, ...unsaved].map((_, index) => [firstLog, index + 1]),
      ...[...after, 'later'].map((_, index) => [newLog, index + 1])
    ])
  }
)

test.each(['while the other side is there', 'before the two meet'])(
  'a backup of the whole profile that is restored twice, and written to %s, uses no number for two messages',
  async (when) => {
    const home = join(folder, 'anna')
    const backup = join(folder, 'backup')
    let anna = await start(home)
    let berta = await startBerta()
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    const arrived: string[] = []
    const say = async (texts: readonly string[]): Promise<void> => {
      for (const text of texts) await anna.do({ do: 'send', peer: bertaId, text })
      arrived.push(...texts)
    }
    await anna.do({ do: 'open', peer: await berta.address() })
    await say(['saved 1', 'saved 2'])
    await anna.untilDelivered(2)
    expect(await anna.quit()).toBe(0)
    cpSync(profileIn(home), backup, { recursive: true })

    // More each time: numbers of the copy overtake those that the other side holds of the life before.
    for (const [life, count] of [3, 4, 5].entries()) {
      if (life > 0) {
        rmSync(profileIn(home), { recursive: true })
        cpSync(backup, profileIn(home), { recursive: true })
      }
      const isMetLater = when === 'before the two meet'
      if (isMetLater) expect(await berta.quit()).toBe(0)
      anna = await start(home)
      if (!isMetLater) {
        await anna.do({ do: 'open', peer: bertaId })
        await anna.untilConversation(bertaId, 'open')
      }
      await say(Array.from({ length: count }, (_, n) => `life ${life}, ${n}`))
      if (isMetLater) berta = await startBerta()
      await anna.untilDelivered(count)
      expect(await berta.textsWith(annaId, 'accepted')).toEqual(arrived)
      expect(await anna.quit()).toBe(0)
    }
    const numbers = await numbersOf(berta, annaId)
    expect(numbers).toHaveLength(arrived.length)
    expect(new Set(numbers.map(String)).size).toBe(arrived.length)
  }
)

/** Where she is looked for: nobody else gets her port while she is away. */
async function startBerta(): Promise<JsonParley> {
  return start(join(folder, 'berta'), '--accept', 'all', '--port', `${port}`)
}

async function start(home: string, ...args: readonly string[]): Promise<JsonParley> {
  const parley = await JsonParley.start({ home, network, args })
  running.push(parley)
  return parley
}

/** The log and number of each message, in the order of the history. */
async function numbersOf(who: JsonParley, peer: string): Promise<readonly (readonly unknown[])[]> {
  return (await who.messagesWith(peer)).map(({ log, seq }) => [log, seq])
}
