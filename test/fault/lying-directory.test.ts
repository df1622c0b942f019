// A directory lies, beside an honest one. Whoever uses both sees what is true,
// or sees that the two differ, and which of them is stale or withholds.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import type { WireEntry } from '../../src/directory/directory-frames.ts'
import { sealStatement } from '../../src/directory/statement.ts'
import { sealRecord } from '../../src/presence/index.ts'
import type { ChatNode, DirectoryView, RosterRow } from '../../src/node/index.ts'
import { Network } from '../node/network.ts'
import { becomes } from './judged.ts'
import { HonestDirectory, LyingDirectory, type LyingDirectoryInit } from './lying-directory.ts'

interface Scene {
  readonly honest: HonestDirectory
  readonly liar: LyingDirectory
  readonly network: Network
  /** Uses both, and looks. */
  readonly anna: ChatNode
  /** Is registered with both, and is lied about. */
  readonly bob: ChatNode
  readonly notices: string[]
  liarView(): DirectoryView | undefined
  honestView(): DirectoryView | undefined
  row(name: string): RosterRow | undefined
}

/** Runs `act` on a network of two directories that hear of each other, and two peers that are registered with both. */
async function onScene(
  lies: (honest: HonestDirectory) => Omit<LyingDirectoryInit, 'network'>,
  act: (scene: Scene) => Promise<void>,
  options: { readonly joined?: boolean; readonly bobAtLiar?: boolean } = {}
): Promise<void> {
  await using network = await Network.create()
  const honest = await HonestDirectory.start(network.name)
  const liar = await LyingDirectory.start({ network: network.name, ...lies(honest) })
  try {
    if (options.joined !== false) {
      honest.joinWith([liar.peerId])
      await liar.follow(honest)
    }
    const both = { directory: [honest.address, liar.address] }
    const bob = await network.peer('bob', options.bobAtLiar === false ? { directory: [honest.address] } : both)
    const anna = await network.peer('anna', both)
    const notices: string[] = []
    anna.events.addEventListener('notice', ({ detail }) => {
      if (detail.code === 'directory') notices.push(detail.text)
    })
    const view = (peer: PeerId) => anna.directories.views().find((one) => one.peer === peer.toString())
    const row = (name: string) => anna.peers.roster().find(({ nickname }) => nickname === name)
    await becomes(() => row('bob')?.nickname, 'bob')
    await act({
      honest,
      liar,
      network,
      anna,
      bob,
      notices,
      liarView: () => view(liar.peerId),
      honestView: () => view(honest.peerId),
      row
    })
  } finally {
    await Promise.all([honest.stop(), liar.stop()])
  }
}

const namesOf = (peers: readonly { readonly name: string }[] | undefined): string[] =>
  (peers ?? []).map(({ name }) => name)

describe.concurrent('a directory that lies', () => {
  test('and drops a peer is named, and the peer is seen all the same', async () => {
    await onScene(
      () => ({ lie: (entry, nickname) => (nickname === 'bob' ? undefined : entry) }),
      async ({ liar, liarView, honestView, honest, row, notices, bob }) => {
        await becomes(() => namesOf(liarView()?.findings?.withholds), ['bob'])
        expect(liarView()?.findings?.withholds[0]).toMatchObject({
          peer: bob.self.peerId,
          // It answers who asks that it has the peer, and shows it to nobody.
          provenBy: [honest.peerId.toString(), liar.peerId.toString()]
        })
        expect(honestView()?.findings).toMatchObject({ stale: [], withholds: [] })
        expect(row('bob')?.onlyVia).toBe(honest.peerId.toString())
        expect(notices).toHaveLength(1)
        expect(notices[0]).toMatch(/withholds bob/u)
      }
    )
  })

  test('and replays an old record is stale, and the new name is shown', async () => {
    await onScene(
      () => ({ keepsTheOld: true }),
      async ({ liarView, honestView, row, bob }) => {
        await bob.self.rename('robert')
        await becomes(() => namesOf(liarView()?.findings?.stale), ['robert'])
        expect(row('robert')?.peer).toBe(bob.self.peerId)
        expect(row('bob')).toBeUndefined()
        expect(honestView()?.findings).toMatchObject({ stale: [], withholds: [] })
      }
    )
  })

  test('and changes a name is refused by the signature, counted, and named', async () => {
    const renamed = (entry: WireEntry): WireEntry => {
      const envelope = Buffer.from(entry.envelope)
      envelope.write('eve', envelope.indexOf('bob'))
      return { ...entry, envelope }
    }
    await onScene(
      () => ({ lie: (entry, nickname) => (nickname === 'bob' ? renamed(entry) : entry) }),
      async ({ liarView, honestView, row }) => {
        await becomes(() => namesOf(liarView()?.findings?.withholds), ['bob'])
        expect(liarView()?.findings?.forged).toBeGreaterThan(0)
        expect(row('bob')).toBeDefined()
        expect(row('eve')).toBeUndefined()
        expect(honestView()?.findings).toMatchObject({ stale: [], withholds: [], forged: 0 })
      }
    )
  })

  test('and invents a peer is the only one by whom it is seen', async () => {
    const { entries, network } = inventedBy(1)
    await onScene(
      (honest) => {
        network.name = honest.network
        return { invented: entries }
      },
      async ({ liar, honestView, row }) => {
        await becomes(() => row('ghost 0')?.onlyVia, liar.peerId.toString())
        expect(row('bob')?.onlyVia).toBeUndefined()
        await becomes(() => honestView()?.findings?.notJoinedWith, [liar.peerId.toString()])
        expect(honestView()?.findings).toMatchObject({ stale: [], withholds: [] })
      },
      { joined: false }
    )
  })

  test('and keeps a peer that another directory has lost is stale', async () => {
    await onScene(
      () => ({ keepsTheDead: true }),
      async ({ liar, liarView, honestView, honest, row, bob }) => {
        await becomes(() => row('bob')?.via.map(({ directory }) => directory), [honest.peerId.toString()])
        for (const connection of honest.node.getConnections()) {
          if (connection.remotePeer.toString() === bob.self.peerId) connection.abort(new Error('killed'))
        }
        const stopped = bob.stop() // it never gets to say goodbye to the honest one
        await becomes(() => namesOf(liarView()?.findings?.stale), ['bob'])
        expect(honestView()?.findings).toMatchObject({ stale: [], withholds: [] })
        const shown = row('bob')
        expect(shown === undefined || shown.onlyVia === liar.peerId.toString()).toBe(true)
        await stopped
      },
      { bobAtLiar: false }
    )
  })

  test('and ends another directory’s attachment ends nothing, and is named', async () => {
    const key = await generateKeyPair('Ed25519')
    await onScene(
      (honest) => ({
        lie: (entry, nickname) => (nickname === 'bob' ? undefined : entry),
        found: async (plain) => {
          const init = { network: honest.network, epoch: 1n << 60n, counter: 1n, peer: plain.peer, seq: 1n << 60n }
          const { envelope } = await sealStatement({ ...init, attached: false }, key)
          const forged = Buffer.from(await honest.statementOf(plain.peer))
          forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
          return { ...plain, showing: false, statements: [envelope, forged], federationPeers: [honest.peerId] }
        }
      }),
      async ({ liarView, row }) => {
        await becomes(() => namesOf(liarView()?.findings?.withholds), ['bob'])
        expect(row('bob')).toBeDefined()
        expect(liarView()?.findings?.forged).toBeGreaterThan(0)
      },
      { bobAtLiar: false }
    )
  })

  test('and floods its roster hides nobody, and all of it is seen by its word alone', async () => {
    const { entries, network } = inventedBy(300)
    await onScene(
      (honest) => {
        network.name = honest.network
        return { invented: entries }
      },
      async ({ liar, anna, row, honestView }) => {
        const ghosts = () => anna.peers.roster().filter(({ nickname }) => nickname.startsWith('ghost'))
        await becomes(() => ghosts().filter(({ onlyVia }) => onlyVia === liar.peerId.toString()).length, 300)
        expect(row('bob')?.onlyVia).toBeUndefined()
        expect(honestView()?.findings).toMatchObject({ stale: [], withholds: [] })
      },
      { joined: false }
    )
  })
})

/** Peers whose keys the liar has made itself. */
function inventedBy(count: number) {
  const network = { name: '' }
  const entries = async (self: PeerId, _key: PrivateKey): Promise<readonly WireEntry[]> =>
    Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const record = await sealRecord(
          {
            seq: 1n,
            issuedAtMs: 1,
            nickname: `ghost ${i}`,
            status: '',
            addresses: [],
            capabilities: [],
            network: network.name
          },
          await generateKeyPair('Ed25519')
        )
        return { envelope: record.envelope, attachments: [{ directory: self, forMs: 0 }] }
      })
    )
  return { entries, network }
}
