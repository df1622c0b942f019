// A peer behind a router that opens ports: others dial it straight, and the port is
// closed when it quits. Real commands and miniupnpd in network namespaces; where there
// can be none, it says so.
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { JsonParley, patienceMs, randomNetwork, type ParleyEvent } from '../fault/json-parley.ts'
import { Internet, whyNoInternet, type InternetHost } from '../netns/internet.ts'
import { untilListening } from '../netns/listening.ts'
import { PortRouter, whyNoPortRouter, type RouterProtocol } from '../netns/port-router.ts'

const whyNot = (await whyNoInternet()) ?? (await whyNoPortRouter())
const protocols: readonly RouterProtocol[] = ['PCP', 'NAT-PMP', 'UPnP']

let internet: Internet | undefined
const running: { stop(): unknown }[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (one) => one.stop()))
  await internet?.remove()
  internet = undefined
})

test.for(protocols)(
  'behind a router that speaks %s a peer is reached from outside, until it quits',
  async (protocol, { skip }) => {
    skip(whyNot !== undefined, whyNot)
    internet = await Internet.create([{ kind: 'public' }, { kind: 'plain' }, { kind: 'plain' }])
    const router = await PortRouter.start(internet.routerOf(1), protocol)
    running.push(router)
    const network = randomNetwork()
    const place = await directoryOn(internet.host(0), network)
    const anna = await peerOn(internet.host(1), { network, name: 'anna', place })
    const said = await anna.until('word of the router', () =>
      anna.events.find(({ event, code }) => event === 'notice' && code === 'router')
    )
    const [, address = '', port = ''] = /at (11\.22\.33\.\d+):(\d+)/u.exec(String(said['text'])) ?? []
    expect(await router.openings()).toHaveLength(1)
    expect(await anna.status()).toMatchObject({
      router: { state: 'open', protocol, address: `${address}:${port}`, announced: true, why: null }
    })

    const berta = await peerOn(internet.host(2), { network, name: 'berta', place })
    const annaId = await anna.peerId()
    await berta.do({ do: 'chat', peer: annaId })
    await berta.do({ do: 'send', peer: annaId, text: 'straight' })
    await eventually(async () =>
      expect(await berta.do({ do: 'path', peer: annaId })).toMatchObject({
        path: 'direct',
        address: `/ip4/${address}/tcp/${port}`
      })
    )
    await anna.do({ do: 'quit' })
    await eventually(async () => expect(await router.openings()).toEqual([]))
  }
)

test('a router that hangs keeps nobody from quitting', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  internet = await Internet.create([{ kind: 'public' }, { kind: 'plain' }])
  const router = await PortRouter.start(internet.routerOf(1), 'UPnP')
  running.push(router)
  const network = randomNetwork()
  const place = await directoryOn(internet.host(0), network)
  const anna = await peerOn(internet.host(1), { network, name: 'anna', place })
  await untilOpen(anna)
  router.pause()
  await anna.do({ do: 'quit' })
  await eventually(() => expect(anna.exitCode).toBe(0))
})

/** The router has opened a port, and the directory has seen the peer there. */
async function untilOpen(peer: JsonParley): Promise<ParleyEvent> {
  return peer.until('word of the router', () =>
    peer.events.find(({ event, code }) => event === 'notice' && code === 'router')
  )
}

async function directoryOn(host: InternetHost, network: string): Promise<string> {
  const args = ['directory', '--port', '8000', '--no-mdns', '--http', 'off']
  const started = await JsonParley.spawn({ wrapper: host.wrapper, secluded: false, network, args })
  running.push(started)
  await untilListening(started.pid, 8000, patienceMs)
  return `${host.address}:8000`
}

async function peerOn(
  host: InternetHost,
  { network, name, place }: { readonly network: string; readonly name: string; readonly place: string }
): Promise<JsonParley> {
  const args = ['--name', name, '--no-mdns', '--port-mapping', '--accept', 'all', '--directory', place]
  const started = await JsonParley.spawn({ wrapper: host.wrapper, secluded: false, network, args })
  running.push(started)
  await started.ready()
  return started
}
