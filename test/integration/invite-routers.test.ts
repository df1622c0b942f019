// Codes between two homes, each behind its router, with a directory on the Internet: the
// words are typed on the other side, and the two talk. Real commands in network
// namespaces; where there can be none, it says so.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Stage, type StageHost } from '../doctor/stage.ts'
import { eventually } from '../eventually.ts'
import type { JsonParley, ParleyEvent } from '../fault/json-parley.ts'
import { whyNoInternet } from '../netns/internet.ts'

const whyNot = await whyNoInternet()

let stage: Stage
beforeEach(({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  stage = new Stage()
})
afterEach(async () => stage.end())

test('behind two routers a code leads to a conversation; wrong, used and old ones are refused with the reason', async () => {
  const internet = await stage.internet([{ kind: 'public' }, { kind: 'plain' }, { kind: 'symmetric', hosts: 2 }])
  const directory = await stage.directory(internet.host(0))
  const [anna, berta, carl] = await Promise.all([
    peerOn(internet.host(1), 'anna', directory),
    peerOn(internet.host(2), 'berta', directory),
    peerOn(internet.host(2, 1), 'carl', directory)
  ])
  const annasId = await anna.peerId()
  const code = await codeOf(anna, '')

  const typedAtMs = performance.now()
  const opened = await berta.do({ do: 'chat', peer: code.split('-') })
  expect(opened).toMatchObject({ peer: annasId, name: 'anna' })
  await berta.do({ do: 'send', peer: annasId, text: 'here I am' })
  const got = await event(anna, 'the message', (one) => one.event === 'message')
  const tookMs = Math.round(got.atMs - typedAtMs)
  process.stdout.write(`  from the code to the first message, behind two routers: ${tookMs} ms\n`)
  expect(got).toMatchObject({ name: 'berta', text: 'here I am', state: 'accepted' })
  await event(anna, 'the guest', ({ what, peerName }) => what === 'came' && peerName === 'berta')
  await event(berta, 'word of the new contact', ({ code: notice }) => notice === 'met')

  expect(await refusal(carl, code)).toContain('the code was already used')
  const wrong = (await codeOf(anna, '')).replace(/^(\d+).*$/u, '$1-zoo-zone-zero')
  expect(await refusal(carl, wrong)).toContain('the words are not those of its maker')
  const short = await codeOf(anna, 'many 2 for 1s')
  await event(anna, 'its end', (one) => one.event === 'invitation' && one['end'] === 'expired')
  expect(await refusal(carl, short)).toContain('the code has expired')
})

async function peerOn(host: StageHost, name: string, directory: string): Promise<JsonParley> {
  const peer = await stage.peer(host, name, ['--no-mdns', '--no-port-mapping', '--directory', directory])
  await eventually(async () =>
    expect(await peer.do({ do: 'directories' })).toMatchObject({ directories: [{ registered: true }] })
  )
  return peer
}

async function codeOf(peer: JsonParley, text: string): Promise<string> {
  const { invitation } = await peer.do({ do: 'invite', text })
  const { code } = invitation as { readonly code: string }
  return code
}

async function refusal(peer: JsonParley, code: string): Promise<string> {
  const { message } = await peer.answerTo({ do: 'chat', peer: code })
  return String(message)
}

async function event(peer: JsonParley, what: string, is: (one: ParleyEvent) => boolean): Promise<ParleyEvent> {
  return peer.until(what, () => peer.events.find(is))
}
