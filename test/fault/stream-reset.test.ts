// The chat stream is reset in the middle of a thousand pipelined messages, again
// and again, by a thief of the sender's key: a newer Hello replaces
// the old stream. What was on it is sent again, and is there once, in its order.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Attacker, ChatLine } from './attacker.ts'
import { JsonParley, randomNetwork } from './json-parley.ts'
import { keyIn } from '../processes/homes.ts'

const messages = 1_000
/** Eight times what may be under way without a receipt, so that there is always something on the stream. */
const textBytes = 8 * 1024
/** The stream is cut when so many messages of one side have arrived. */
const cutAt = [50, 250, 450, 650, 850]

let running: JsonParley[] = []
let attacker: Attacker | undefined
let home: string | undefined

afterEach(async () => {
  await attacker?.stop()
  await Promise.all(running.map(async (parley) => parley.stop()))
  running = []
  if (home !== undefined) await rm(home, { recursive: true, force: true })
})

test('a chat stream that is reset among 1,000 messages each way loses and doubles none', async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-test-'))
  const network = randomNetwork()
  const anna = await JsonParley.start({ network, home })
  const berta = await JsonParley.start({ network })
  running = [anna, berta]
  const [annaId, bertaId] = await Promise.all([anna.peerId(), berta.peerId()])
  await anna.do({ do: 'chat', peer: await berta.address() })
  await berta.do({ do: 'chat', peer: annaId })
  await Promise.all([anna.untilConversation(bertaId, 'open'), berta.untilConversation(annaId, 'open')])

  const key = await keyIn(home)
  attacker = await Attacker.start({ key, looksLikeParley: true })
  const thieves = []
  for (const arrived of cutAt) thieves.push({ arrived, connection: await attacker.connect(await berta.address()) })
  const texts = Array.from({ length: messages }, (_, index) => `message ${index + 1} `.padEnd(textBytes, '.'))
  anna.tell(texts.map((text) => ({ do: 'send', peer: bertaId, text })))
  berta.tell(texts.map((text) => ({ do: 'send', peer: annaId, text })))
  const cutWith: number[] = []
  for (const { arrived, connection } of thieves) {
    await berta.untilTexts(annaId, arrived)
    await ChatLine.open(connection)
    cutWith.push(berta.textsFrom(annaId).length)
    // The thief leaves without a word, and the sender that it replaced must come back by itself.
    connection.abort(new Error('on purpose'))
  }
  await Promise.all([berta.untilTexts(annaId, messages), anna.untilTexts(bertaId, messages)])
  await Promise.all([allDelivered(anna, messages), allDelivered(berta, messages)])
  process.stdout.write(`  cut with ${cutWith.join(', ')} messages arrived\n`)

  await Promise.all([anna.untilConversation(bertaId, 'open'), berta.untilConversation(annaId, 'open')])
  expect(berta.textsFrom(annaId)).toEqual(texts)
  expect(anna.textsFrom(bertaId)).toEqual(texts)
  // The test would show nothing if no stream had been cut while there was something on it. Nobody need hear of that: a
  // session whose next stream has begun goes on.
  expect(cutWith.filter((count) => count < messages).length).toBeGreaterThan(1)
})

async function allDelivered(who: JsonParley, count: number): Promise<void> {
  await who.until(`${count} deliveries`, () => {
    const delivered = who.events.filter((one) => one.event === 'delivery' && one['state'] === 'delivered')
    return delivered.length === count ? true : undefined
  })
}
