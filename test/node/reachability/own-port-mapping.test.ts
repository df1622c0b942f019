/** The port of the router is announced only where a directory sees this peer as the router says. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { expect, onTestFinished, test } from 'vitest'
import type { StunServer } from '../../../src/direct/stun/index.ts'
import type { PortMapping, PortMapper } from '../../../src/port-mapping/index.ts'
import type { Notice } from '../../../src/node/api/notices.ts'
import { OwnPortMapping } from '../../../src/node/reachability/own-port-mapping.ts'
import { eventually } from '../../eventually.ts'

const self = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const directory = peerIdFromString('12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2')

function routerAt(publicAddress: string): PortMapper & { readonly closed: () => number; opened: number } {
  let closed = 0
  return {
    protocol: 'UPnP',
    closed: () => closed,
    opened: 0,
    async open({ port, publicPort }): Promise<PortMapping> {
      this.opened++
      return {
        protocol: 'UPnP',
        localAddress: '192.168.1.20',
        port,
        publicAddress,
        publicPort,
        leaseS: 3_600,
        close: async () => void closed++
      }
    }
  }
}

async function behind(router: PortMapper, seenAt: readonly string[], servers: readonly StunServer[] = [askedAt]) {
  const notices: Notice[] = []
  let changes = 0
  const asked: number[] = []
  const mapping = new OwnPortMapping({
    self,
    port: () => 41_812,
    stunServers: () => servers,
    notice: (notice) => notices.push(notice),
    onChange: () => changes++,
    mappers: () => [router],
    firstAfterMs: 0,
    seenAddresses: async () => {
      asked.push(1)
      return new Set(seenAt)
    }
  })
  onTestFinished(async () => mapping.stop())
  mapping.start()
  return { mapping, notices, asked, changes: () => changes }
}

const askedAt: StunServer = { directory, host: '203.0.113.1', port: 8000 }

test('where a directory sees what the router says, the port is announced and reported, and no more after the end', async () => {
  const router = routerAt('203.0.113.5')
  const { mapping, notices, changes } = await behind(router, ['203.0.113.5'])
  await eventually(() => expect(changes()).toBe(1))
  expect(mapping.addresses().map(String)).toEqual([`/ip4/203.0.113.5/tcp/41812/p2p/${self.toString()}`])
  expect(notices).toEqual([
    { code: 'router', text: 'Your router lets others in at 203.0.113.5:41812 (UPnP), until you quit.' }
  ])
  expect(mapping.view()).toEqual({ state: 'open', protocol: 'UPnP', address: '203.0.113.5:41812', isAnnounced: true })
  await mapping.stop()
  expect([mapping.addresses(), mapping.view()]).toEqual([[], { state: 'off' }])
  expect(router.closed()).toBe(1)
})

test('a router that gives another port at each renewal is reported now and then only', async () => {
  const router = routerAt('203.0.113.5')
  const steady = router.open.bind(router)
  router.open = async (request) => ({ ...(await steady(request)), publicPort: 50_000 + router.opened })
  const { mapping, notices } = await behind(router, ['203.0.113.5'])
  for (let renewals = 1; renewals <= 6; renewals++) {
    const port = 50_000 + renewals
    await eventually(() => expect(mapping.addresses().map(String)).toEqual([expect.stringContaining(`/tcp/${port}/`)]))
    mapping.networkChanged()
  }
  expect(notices.map(({ text }) => /\d+(?= \()/u.exec(text)?.[0])).toEqual(['50001', '50002'])
})

test('a router that names another address, or a private one, announces nothing', async () => {
  const elsewhere = await behind(routerAt('198.51.100.9'), ['203.0.113.5'])
  await eventually(() => expect(elsewhere.asked).toHaveLength(1))
  expect(elsewhere.mapping.view()).toMatchObject({ state: 'open', isAnnounced: false })
  // Its word was compared: it is not asked again and again.
  for (let renewals = 0; renewals < 3; renewals++) elsewhere.mapping.directoryRegistered()
  expect(elsewhere.asked).toHaveLength(1)
  await elsewhere.mapping.stop()
  const nested = routerAt('100.64.0.7')
  const { mapping, notices, asked } = await behind(nested, ['100.64.0.7'])
  await eventually(() => expect(nested.opened).toBe(1))
  expect([mapping.addresses(), notices, asked]).toEqual([[], [], []])
  expect([elsewhere.mapping.addresses(), elsewhere.notices, elsewhere.changes()]).toEqual([[], [], 0])
})

test('without a directory nothing is announced, until one has registered this peer', async () => {
  const servers: StunServer[] = []
  const router = routerAt('203.0.113.5')
  const { mapping, changes } = await behind(router, ['203.0.113.5'], servers)
  await eventually(() => expect(router.opened).toBe(1))
  mapping.directoryRegistered()
  expect(mapping.addresses()).toEqual([])
  servers.push({ ...askedAt, isHearsay: true })
  mapping.directoryRegistered()
  expect(mapping.addresses()).toEqual([])
  servers.push(askedAt)
  await eventually(() => {
    mapping.directoryRegistered()
    expect(changes()).toBe(1)
  })
  expect(mapping.addresses()).toHaveLength(1)
})
