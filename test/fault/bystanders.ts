// What goes on beside an attack: a victim and a friend who talk with each other,
// and a directory that both are registered with. They write down what must not
// be disturbed, and compare all of it at the end. It knows no attack.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { freePort } from '../processes/ports.ts'
import { JsonParley, randomNetwork, type ParleyEvent } from './json-parley.ts'

/** Each of the two says something this often: often enough that every attack meets it on the way. */
const everyMs = 40

/**
 * V8 lets garbage lie until a good part of its space is used, so that memory at rest would say little. In small spaces
 * what is in memory is what is kept, and a node that kept too much would die of it.
 */
const smallSpaces = '--max-old-space-size=96 --max-semi-space-size=4'

/**
 * By how much an attacked process may have grown: what the streams of a few attackers may hold by their windows, and
 * the fragments of what thousands of connections have left. A frame that is believed when it announces 2 GB, or
 * 10,000 streams that each leave something behind, are beyond it.
 */
const grownAtMostBytes = 96 * 1024 * 1024

export class Bystanders {
  readonly victim: JsonParley
  readonly friend: JsonParley
  readonly directory: JsonParley
  readonly #said = { victim: [] as string[], friend: [] as string[] }

  private constructor(victim: JsonParley, friend: JsonParley, directory: JsonParley) {
    this.victim = victim
    this.friend = friend
    this.directory = directory
  }

  static async start(): Promise<Bystanders> {
    const network = randomNetwork()
    const port = `${await freePort()}`
    const directory = await JsonParley.spawn({ network, nodeOptions: smallSpaces, args: ['directory', '--port', port] })
    await directory.until('"listening"', () => directory.events.find(({ event }) => event === 'listening'))
    const peer = async (name: string): Promise<JsonParley> =>
      JsonParley.start({
        network,
        nodeOptions: smallSpaces,
        args: ['--directory', `127.0.0.1:${port}`, '--name', name]
      })
    const [victim, friend] = await Promise.all([peer('victim'), peer('friend')])
    const all = new Bystanders(victim, friend, directory)
    await friend.do({ do: 'chat', peer: await victim.address() })
    await victim.do({ do: 'chat', peer: await friend.peerId() })
    await Promise.all([
      victim.untilConversation(await friend.peerId(), 'open'),
      friend.untilConversation(await victim.peerId(), 'open'),
      isKnownTwice(victim, 'friend'),
      isKnownTwice(friend, 'victim')
    ])
    return all
  }

  /** The addresses to attack. */
  async directoryAddress(): Promise<string> {
    const listening = this.directory.events.find(({ event }) => event === 'listening')
    const addresses = listening?.['addresses']
    return Array.isArray(addresses) ? String(addresses[0]) : ''
  }

  /** Runs an attack while the two talk, and compares what they have at the end with what there would be without it. */
  async during(attack: () => Promise<void>): Promise<Readonly<Record<string, number>>> {
    const memoryBefore = await this.#memory()
    const eventsBefore = { victim: this.victim.events.length, friend: this.friend.events.length }
    const complaintsBefore = this.#complaints()
    const over = new AbortController()
    const talking = this.#talk(over.signal)
    try {
      await attack()
    } finally {
      over.abort()
    }
    await talking
    await this.#allThere()
    const memoryAfter = await this.#memory()

    const victimId = await this.victim.peerId()
    const friendId = await this.friend.peerId()
    expect(this.victim.textsFrom(friendId)).toEqual(this.#said.friend)
    expect(this.friend.textsFrom(victimId)).toEqual(this.#said.victim)
    // Their conversation was open all the time, and their roster never changed.
    expect(about(friendId, this.victim.events.slice(eventsBefore.victim))).toEqual([])
    expect(about(victimId, this.friend.events.slice(eventsBefore.friend))).toEqual([])
    expect(await rosterOf(this.victim)).toEqual(['friend'])
    expect(await rosterOf(this.friend)).toEqual(['victim'])
    // It names attackers that it cuts, and neither of these two among them.
    const isOfAttacker = ({ event, peer }: ParleyEvent): boolean =>
      event === 'misbehaviour' && peer !== victimId && peer !== friendId
    const said = this.directory.events.filter((one) => !isOfAttacker(one)).map(({ event }) => event)
    expect(said).toEqual(['listening', 'ready', 'ready'])
    expect(this.#complaints()).toEqual(complaintsBefore)
    const grown = {
      victimGrewBytes: memoryAfter.victim - memoryBefore.victim,
      directoryGrewBytes: memoryAfter.directory - memoryBefore.directory
    }
    expect(Math.max(...Object.values(grown))).toBeLessThan(grownAtMostBytes)
    return { ...grown, messagesMeanwhile: this.#said.victim.length + this.#said.friend.length }
  }

  /** During an attack: waits until each of the two has heard so many more messages of the other. */
  async exchange(messages: number): Promise<void> {
    const [victim, friend] = [this.#said.victim.length + messages, this.#said.friend.length + messages]
    await this.victim.untilTexts(await this.friend.peerId(), friend)
    await this.friend.untilTexts(await this.victim.peerId(), victim)
  }

  async stop(): Promise<void> {
    await Promise.all([this.victim.stop(), this.friend.stop(), this.directory.kill()])
    await this.directory.stop()
  }

  async #talk(signal: AbortSignal): Promise<void> {
    const victimId = await this.victim.peerId()
    const friendId = await this.friend.peerId()
    while (!signal.aborted) {
      this.#said.victim.push(`victim ${this.#said.victim.length + 1}`)
      this.#said.friend.push(`friend ${this.#said.friend.length + 1}`)
      this.victim.tell([{ do: 'send', peer: friendId, text: this.#said.victim.at(-1) }])
      this.friend.tell([{ do: 'send', peer: victimId, text: this.#said.friend.at(-1) }])
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async #allThere(): Promise<void> {
    await this.victim.untilTexts(await this.friend.peerId(), this.#said.friend.length)
    await this.friend.untilTexts(await this.victim.peerId(), this.#said.victim.length)
  }

  #complaints(): readonly string[] {
    return [this.victim, this.friend, this.directory].map(({ stderr }) => stderr)
  }

  async #memory(): Promise<{ victim: number; directory: number }> {
    return { victim: await this.victim.residentBytes(), directory: await this.directory.residentBytes() }
  }
}

/** By the directory and by its own word: after that the roster has no reason to change. */
async function isKnownTwice(who: JsonParley, nickname: string): Promise<void> {
  await who.until(`${nickname} from two sources`, () => {
    const rows = who.events.flatMap(({ joined, changed, roster }) => [joined, changed, roster].flat())
    const isTwice = rows.some((row) => {
      return isRow(row) && row['nickname'] === nickname && Array.isArray(row['sources']) && row['sources'].length === 2
    })
    return isTwice ? true : undefined
  })
}

function isRow(row: unknown): row is Readonly<Record<string, unknown>> {
  return typeof row === 'object' && row !== null
}

/** What was told of the conversation with a peer, and of the roster, apart from messages and their deliveries. */
function about(peer: string, events: readonly ParleyEvent[]): readonly string[] {
  return events.flatMap((one) => {
    if (one.event === 'roster') return [JSON.stringify(one)]
    // An attacker that has said much is a stranger, of whom the notice speaks.
    if (one.event === 'notice' && one['code'] === 'requests') return []
    const isTold = ['conversation', 'left', 'entered', 'refused', 'notice'].includes(one.event)
    return isTold && (one['peer'] ?? peer) === peer ? [JSON.stringify(one)] : []
  })
}

async function rosterOf(who: JsonParley): Promise<readonly unknown[]> {
  const { roster } = await who.do({ do: 'who' })
  if (!Array.isArray(roster)) return []
  return roster.map((row: unknown) => (isRow(row) ? row['nickname'] : row))
}
