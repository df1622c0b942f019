// A peer is killed with -9 and started again with the same profile: without a
// hand being moved on the other side the conversation resumes, and what was said
// meanwhile arrives.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../processes/ports.ts'
import { JsonParley, randomNetwork } from './json-parley.ts'

const kills = 2

let home = ''
let running: JsonParley[] = []

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-test-'))
})

afterEach(async () => {
  await Promise.all(running.map(async (parley) => parley.stop()))
  running = []
  await rm(home, { recursive: true, force: true })
})

test('a conversation resumes by itself with a peer that was killed and started again', async () => {
  const network = randomNetwork()
  // Nobody else gets it while its owner is away.
  const port = await freePort()
  const anna = await start(network, 'anna')
  let berta = await start(network, 'berta', ['--port', `${port}`])
  const [annaId, bertaId] = await Promise.all([anna.peerId(), berta.peerId()])
  await anna.do({ do: 'chat', peer: await berta.address() })
  await berta.do({ do: 'chat', peer: annaId })
  const saidByAnna: string[] = []
  const saidByBerta: string[] = []
  const annaSays = async (text: string): Promise<void> => {
    saidByAnna.push(text)
    await anna.do({ do: 'send', peer: bertaId, text })
  }
  const bertaSays = async (text: string): Promise<void> => {
    saidByBerta.push(text)
    await berta.do({ do: 'send', peer: annaId, text })
  }
  await annaSays('before')
  await bertaSays('before')
  await berta.untilTexts(annaId, 1)
  await anna.untilTexts(bertaId, 1)
  await settled(anna, 1)

  for (let kill = 1; kill <= kills; kill++) {
    await berta.kill()
    await anna.until('loss', () => (anna.conversation(bertaId) === 'open' ? undefined : true))
    const meanwhile = [`while it was away, 1 of kill ${kill}`, `while it was away, 2 of kill ${kill}`]
    for (const text of meanwhile) await annaSays(text)

    berta = await start(network, 'berta', ['--port', `${port}`])
    expect(await berta.peerId()).toBe(bertaId)
    expect(await berta.address()).toContain(`/tcp/${port}/`)
    // Nobody asked for anything: what waited arrives, once and in order.
    expect(await berta.untilTexts(annaId, meanwhile.length)).toEqual(meanwhile)
    await anna.untilConversation(bertaId, 'open')

    // Both ways, from the one that was restarted too.
    await annaSays(`after kill ${kill}`)
    await bertaSays(`after kill ${kill}`)
    await anna.untilTexts(bertaId, saidByBerta.length)
    await berta.untilTexts(annaId, meanwhile.length + 1)
    await settled(anna, saidByAnna.length)
    expect(berta.textsFrom(annaId)).toEqual([...meanwhile, `after kill ${kill}`])
  }
  expect(anna.textsFrom(bertaId)).toEqual(saidByBerta)
  const all = saidByAnna.length + saidByBerta.length
  expect(await historyOf(anna, bertaId)).toEqual({ out: saidByAnna, in: saidByBerta, delivered: saidByAnna, all })
  // What was stored before each kill is there after it; the last receipt may still be under way.
  await expect
    .poll(async () => historyOf(berta, annaId))
    .toEqual({ out: saidByBerta, in: saidByAnna, delivered: saidByBerta, all })
})

/** The one that is started again knows nobody's address: it must be found. */
async function start(network: string, name: string, more: readonly string[] = []): Promise<JsonParley> {
  const parley = await JsonParley.start({ network, home, args: ['--profile', name, ...more] })
  running.push(parley)
  return parley
}

async function historyOf(who: JsonParley, peer: string): Promise<Readonly<Record<string, unknown>>> {
  const { messages } = await who.do({ do: 'history', peer })
  const rows: readonly Record<string, unknown>[] = Array.isArray(messages) ? messages : []
  const texts = (field: string, value: string): readonly unknown[] =>
    rows.filter((row) => row[field] === value).map(({ text }) => text)
  return {
    out: texts('direction', 'out'),
    in: texts('direction', 'in'),
    delivered: texts('state', 'delivered'),
    all: rows.length
  }
}

async function settled(who: JsonParley, count: number): Promise<void> {
  await who.until(`${count} deliveries`, () => {
    const delivered = who.events.filter((one) => one.event === 'delivery' && one['state'] === 'delivered')
    return delivered.length === count ? true : undefined
  })
}
