// Free keys that fill the room for requests: 50 of them with 20 messages each
// were enough to keep every stranger out for good. Now a newcomer gets in, also
// after a restart, and who gave way learns it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MAX_HELD_PER_STRANGER, MAX_HELD_TOTAL } from '../../src/node/messaging/request-room.ts'
import { Attacker, ChatLine } from './attacker.ts'
import { JsonParley } from './json-parley.ts'

const keysThatFillIt = MAX_HELD_TOTAL / MAX_HELD_PER_STRANGER
const evictedReason = 5

let folder: string
let processes: JsonParley[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-room-'))
})

afterEach(async () => {
  await Promise.all(processes.map(async (one) => one.stop()))
  processes = []
  await rm(folder, { recursive: true })
})

async function start(name: string, network: string): Promise<JsonParley> {
  const parley = await JsonParley.start({ home: join(folder, name), network })
  processes.push(parley)
  return parley
}

type Sent = ReturnType<ChatLine['message']>

async function asStranger<T>(address: string, key: PrivateKey, run: (line: ChatLine) => Promise<T>): Promise<T> {
  const stranger = await Attacker.start({ key, looksLikeParley: true })
  try {
    return await run(await ChatLine.open(await stranger.connect(address)))
  } finally {
    await stranger.stop()
  }
}

async function fateOf(line: ChatLine, message: Sent): Promise<string> {
  line.write(message.bytes)
  return line.fateOf(message.id)
}

/** A stranger leaves as many messages as one may, which are all held. @returns the first of them */
async function leaveAll(address: string, key: PrivateKey): Promise<Sent> {
  return asStranger(address, key, async (line) => {
    const messages = Array.from({ length: MAX_HELD_PER_STRANGER }, (_, n) =>
      line.message(new Uint8Array(Buffer.from(`spam ${n}`)))
    )
    for (const message of messages) expect(await fateOf(line, message)).toBe('held')
    const [first] = messages
    if (first === undefined) throw new Error('nothing was to be sent')
    return first
  })
}

test('a room for requests that free keys have filled lets every newcomer in, and tells those who gave way', async () => {
  const network = `room-${Math.random().toString(36).slice(2)}`
  let victim = await start('victim', network)
  const keys = await Promise.all(Array.from({ length: keysThatFillIt }, async () => generateKeyPair('Ed25519')))
  const sent: { readonly key: PrivateKey; readonly message: Sent }[] = []
  for (const key of keys) sent.push({ key, message: await leaveAll(await victim.address(), key) })
  const [first] = sent
  if (first === undefined) throw new Error('nobody sent anything')
  const crowded = await victim.until('a notice', () =>
    victim.events.find((one) => one.event === 'notice' && one['code'] === 'requests')
  )
  expect(String(crowded['text'])).toMatch(/from \d+ strangers, \d+ of them from 127\.0\.0\.1.*\/requests clear/u)

  // Whoever asked at the time was refused, for good: also after a restart.
  expect(await victim.quit()).toBe(0)
  victim = await start('victim', network)
  const honest = await start('honest', network)
  const { peer } = await honest.do({ do: 'open', peer: await victim.address() })
  await honest.do({ do: 'msg', peer, text: 'hello, it is Anna' })
  await victim.until('the request', () =>
    victim.events.find((one) => one.event === 'request' && one['text'] === 'hello, it is Anna')
  )
  const { requests } = await victim.do({ do: 'requests' })
  expect(requests).toHaveLength(keysThatFillIt)

  // The one that gave way hears of it once, over another restart.
  expect(await victim.quit()).toBe(0)
  victim = await start('victim', network)
  const address = await victim.address()
  const again = async (): Promise<string> => asStranger(address, first.key, async (line) => fateOf(line, first.message))
  expect(await again()).toBe(`refused for reason ${evictedReason}`)
  expect(await again()).toBe('held')

  const cleared = await victim.do({ do: 'requests', text: 'clear' })
  expect(Number(cleared['messages'])).toBeGreaterThan(MAX_HELD_TOTAL - 2 * MAX_HELD_PER_STRANGER)
  expect((await victim.do({ do: 'requests' }))['requests']).toEqual([])
})

test('a request that was cleared fails at its sender, with the reason, and can be sent again', async () => {
  const network = `room-${Math.random().toString(36).slice(2)}`
  const victim = await start('victim', network)
  let sender = await start('sender', network)
  const { peer } = await sender.do({ do: 'open', peer: await victim.address() })
  await sender.do({ do: 'msg', peer, text: 'hello' })
  await sender.until('held', () => sender.events.find((one) => one['state'] === 'held'))
  expect(await victim.do({ do: 'requests', text: 'clear' })).toMatchObject({ strangers: 1, messages: 1 })
  expect(await sender.quit()).toBe(0)

  sender = await start('sender', network)
  await sender.do({ do: 'open', peer: await victim.address() })
  const failed = await sender.until('failed', () => sender.events.find((one) => one['state'] === 'failed'))
  expect(String(failed['reason'])).toMatch(/deleted the message without accepting it/u)
  await sender.do({ do: 'retry', peer })
  await victim.until('the request', () =>
    victim.events.filter((one) => one.event === 'request').length === 2 ? true : undefined
  )
})

test('blocking a stranger deletes what it left, and it keeps no place', async () => {
  const network = `room-${Math.random().toString(36).slice(2)}`
  const victim = await start('victim', network)
  const sender = await start('sender', network)
  const { peer } = await sender.do({ do: 'open', peer: await victim.address() })
  await sender.do({ do: 'msg', peer, text: 'hello' })
  await victim.until('the request', () => victim.events.find((one) => one.event === 'request'))
  await victim.do({ do: 'block', peer: await sender.peerId() })
  expect(await victim.do({ do: 'requests', text: 'clear' })).toMatchObject({ strangers: 0, messages: 0 })
})
