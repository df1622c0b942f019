// A relay without a roster, and two peers that know each other's IDs and name it: what
// they write goes through it, also after it was away. Real commands on loopback: an
// address there is never dialled for a peer that a relay has brought.
import { afterEach, expect, test } from 'vitest'
import { JsonParley, patienceMs, randomNetwork } from '../fault/json-parley.ts'
import { freePort } from '../processes/ports.ts'

const running: JsonParley[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (one) => one.stop()))
})

test('two peers that name a relay reach each other through it, and again when it was killed and is back', async () => {
  const port = await freePort()
  const relay = await startRelay(port)
  const relayId = String(relay.listening['peer'])
  expect(relay.listening).toMatchObject({ relayOnly: true, port })
  const network = randomNetwork()
  const anna = await start({ network, args: ['--accept', 'all', '--relay-via', `127.0.0.1:${port}`] })
  const berta = await start({ network, args: ['--accept', 'all', '--relay-via', String(port)] })
  const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]

  await anna.do({ do: 'chat', peer: bertaId })
  await anna.do({ do: 'send', peer: bertaId, text: 'by the relay' })
  await berta.untilTexts(annaId, 1)
  expect(await anna.do({ do: 'path', peer: bertaId })).toMatchObject({
    path: 'relayed',
    address: `/p2p/${relayId}/p2p-circuit`
  })
  expect(await notices(anna, 1)).toEqual([
    expect.stringMatching(/^Others who name the relay \S{12} reach you through it\.$/u)
  ])

  process.kill(relay.process.pid, 'SIGKILL')
  await notices(anna, 2)
  await anna.do({ do: 'send', peer: bertaId, text: 'while it is away' })
  const why = `the relay at 127.0.0.1:${port} can't be used: `
  await anna.until('a reason that names the relay', () =>
    anna.events.find((event) => event.event === 'conversation' && String(event['why']).startsWith(why))
  )
  const again = await startRelay(port)
  await berta.untilTexts(annaId, 2)
  expect(berta.textsFrom(annaId)).toEqual(['by the relay', 'while it is away'])
  expect((await notices(anna, 3)).map((text) => text.split(' ')[0])).toEqual(['Others', 'The', 'Others'])

  process.kill(again.process.pid, 'SIGINT')
  const ended = await again.process.until('"stopping"', () =>
    again.process.events.find(({ event }) => event === 'stopping')
  )
  expect(ended).toMatchObject({ peers: 2 })
  expect(ended['circuits']).toBeGreaterThan(0)
})

test('the page and the metrics of a relay say that it keeps no roster', async () => {
  const { listening } = await startRelay(await freePort(), ['--http', '0'])
  const [page] = listening['pages'] as readonly string[]
  expect(await (await fetch(`${page}api/roster`)).json()).toMatchObject({ relayOnly: true, total: 0, peers: [] })
  expect(await (await fetch(`${page}metrics`)).text()).toMatch(/^parley_relay_only 1$/mu)
})

test('a relay without a roster neither joins directories nor is switched off', async () => {
  for (const [options, why] of [
    [['--relay', 'off'], '--relay-only relays, and --relay off does not'],
    [['--join', '8000'], 'leave --join out']
  ] as const) {
    const refused = await JsonParley.spawn({ args: ['directory', '--port', '8000', '--relay-only', ...options] })
    running.push(refused)
    await expect(refused.until('an end', () => undefined, patienceMs)).rejects.toThrow(why)
    expect(refused.exitCode).toBe(2)
  }
})

interface RunningRelay {
  readonly process: JsonParley
  readonly listening: Readonly<Record<string, unknown>>
}

async function startRelay(port: number, options: readonly string[] = ['--no-http']): Promise<RunningRelay> {
  const started = await JsonParley.spawn({ args: ['directory', '--port', String(port), '--relay-only', ...options] })
  running.push(started)
  const listening = await started.until('"listening"', () => started.events.find(({ event }) => event === 'listening'))
  return { process: started, listening }
}

async function start(init: { readonly network: string; readonly args: readonly string[] }): Promise<JsonParley> {
  const started = await JsonParley.start(init)
  running.push(started)
  return started
}

/** What it says of the relay, once there is so much: another process may show a message before that. */
async function notices(parley: JsonParley, count: number): Promise<readonly string[]> {
  return parley.until(`${count} notices about the relay`, () => {
    const texts = parley.events.flatMap(({ event, code, text }) =>
      event === 'notice' && code === 'relay' ? [String(text)] : []
    )
    return texts.length < count ? undefined : texts
  })
}
