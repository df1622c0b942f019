/** The port of the router is announced only where a directory sees this peer as the router says. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { expect, onTestFinished, test } from 'vitest'
import type { StunServer } from '../../src/direct/stun/index.ts'
import type { Door, PortMapper } from '../../src/doors/index.ts'
import type { Notice } from '../../src/node/api/chat-events.ts'
import { OwnDoor } from '../../src/node/own-door.ts'
import { eventually } from '../eventually.ts'

const self = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const directory = peerIdFromString('12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2')

function routerAt(publicAddress: string): PortMapper & { readonly closed: () => number; opened: number } {
  let closed = 0
  return {
    protocol: 'UPnP',
    closed: () => closed,
    opened: 0,
    async open({ port, publicPort }): Promise<Door> {
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
  const door = new OwnDoor({
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
  onTestFinished(async () => door.stop())
  door.start()
  return { door, notices, asked, changes: () => changes }
}

const askedAt: StunServer = { directory, host: '203.0.113.1', port: 8000 }

test('where a directory sees what the router says, the port is announced and told of, and no more after the end', async () => {
  const router = routerAt('203.0.113.5')
  const { door, notices, changes } = await behind(router, ['203.0.113.5'])
  await eventually(() => expect(changes()).toBe(1))
  expect(door.addresses().map(String)).toEqual([`/ip4/203.0.113.5/tcp/41812/p2p/${self.toString()}`])
  expect(notices).toEqual([
    { code: 'router', text: 'Your router lets others in at 203.0.113.5:41812 (UPnP), until you quit.' }
  ])
  expect(door.view()).toEqual({ state: 'open', protocol: 'UPnP', address: '203.0.113.5:41812', isAnnounced: true })
  await door.stop()
  expect([door.addresses(), door.view()]).toEqual([[], { state: 'off' }])
  expect(router.closed()).toBe(1)
})

test('a router that names another address, or a private one, announces nothing', async () => {
  const elsewhere = await behind(routerAt('198.51.100.9'), ['203.0.113.5'])
  await eventually(() => expect(elsewhere.asked).toHaveLength(1))
  expect(elsewhere.door.view()).toMatchObject({ state: 'open', isAnnounced: false })
  // Its word was compared: it is not asked again and again.
  for (let renewals = 0; renewals < 3; renewals++) elsewhere.door.directoryRegistered()
  expect(elsewhere.asked).toHaveLength(1)
  await elsewhere.door.stop()
  const nested = routerAt('100.64.0.7')
  const { door, notices, asked } = await behind(nested, ['100.64.0.7'])
  await eventually(() => expect(nested.opened).toBe(1))
  expect([door.addresses(), notices, asked]).toEqual([[], [], []])
  expect([elsewhere.door.addresses(), elsewhere.notices, elsewhere.changes()]).toEqual([[], [], 0])
})

test('without a directory nothing is announced, until one has registered this peer', async () => {
  const servers: StunServer[] = []
  const router = routerAt('203.0.113.5')
  const { door, changes } = await behind(router, ['203.0.113.5'], servers)
  await eventually(() => expect(router.opened).toBe(1))
  door.directoryRegistered()
  expect(door.addresses()).toEqual([])
  servers.push({ ...askedAt, isHearsay: true })
  door.directoryRegistered()
  expect(door.addresses()).toEqual([])
  servers.push(askedAt)
  await eventually(() => {
    door.directoryRegistered()
    expect(changes()).toBe(1)
  })
  expect(door.addresses()).toHaveLength(1)
})
