// A directory that is joined with an honest one lies to its clients. Whoever
// uses both sees what is true, and learns which of them is not to be believed.
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { describe, expect, test } from 'vitest'
import { sealRecord, type VerifiedRecord } from '../../src/presence/index.ts'
import type { ChatNode } from '../../src/node/index.ts'
import type { DirectoryNode } from '../../src/node/server/index.ts'
import { Network } from '../node/network.ts'
import { JoinedLiar, type JoinedLiarInit } from './joined-liar.ts'
import { becomes } from './judged.ts'

interface Scene {
  readonly network: Network
  readonly honest: DirectoryNode
  readonly liar: JoinedLiar
  readonly anna: ChatNode
  readonly bob: ChatNode
  findings(directory: string): { readonly withholds: readonly string[]; readonly stale: readonly string[] }
  names(): readonly string[]
}

const innocent = { withholds: [], stale: [] }

/** anna uses both directories, bob the honest one alone. */
async function onScene(
  lies: Omit<JoinedLiarInit, 'network' | 'join'>,
  act: (scene: Scene) => Promise<void>
): Promise<void> {
  await using network = await Network.create()
  const honest = await network.directory()
  const honestAddress = `/ip4/127.0.0.1/tcp/${honest.port}/p2p/${honest.peerId}`
  const liar = await JoinedLiar.start({ ...lies, network: network.name, join: [honestAddress] })
  try {
    await becomes(() => liar.federationPeers, 1)
    const bob = await network.peer('bob', { directory: [honestAddress] })
    const anna = await network.peer('anna', { directory: [honestAddress, liar.address] })
    const names = () => anna.peers.roster().map(({ nickname }) => nickname)
    await becomes(() => names().includes('bob'), true)
    await act({
      network,
      honest,
      liar,
      anna,
      bob,
      names,
      findings: (directory) => {
        const found = anna.directories.views().find(({ peer }) => peer === directory)?.findings
        return {
          withholds: (found?.withholds ?? []).map(({ name }) => name),
          stale: (found?.stale ?? []).map(({ name }) => name)
        }
      }
    })
  } finally {
    await liar.stop()
  }
}

describe.concurrent('a directory that is joined with an honest one', () => {
  test('and hides a peer of it is named, and hides nobody', async () => {
    await onScene(
      { lie: (truth) => truth.filter(({ record }) => record.record.nickname !== 'bob') },
      async ({ liar, honest, findings, names }) => {
        await becomes(() => findings(liar.peerId.toString()).withholds, ['bob'])
        expect(findings(honest.peerId)).toEqual(innocent)
        expect(names()).toEqual(['bob'])
      }
    )
  })

  test('and keeps a peer that the honest one has signed away is stale', async () => {
    const kept = new Set<string>()
    await onScene(
      {
        lie: (truth, before) => {
          const dead = before.filter(({ peer }) => kept.has(peer) && !truth.some((one) => one.peer === peer))
          return [...truth, ...dead]
        }
      },
      async ({ liar, honest, bob, anna, findings, network }) => {
        kept.add(bob.self.peerId)
        await bob.stop()
        // By its own farewell: the old record proves nothing any more.
        await becomes(() => anna.peers.roster().length, 0)
        await becomes(() => findings(liar.peerId.toString()).stale.length, 1)
        expect(findings(honest.peerId)).toEqual(innocent)
        expect(anna.peers.roster()).toEqual([])
        // And what it says of others is believed as before.
        await network.peer('carol', { directory: [liar.address] })
        await becomes(() => anna.peers.roster().map(({ nickname }) => nickname), ['carol'])
      }
    )
  })

  test('and floods gossip with peers of its own delays nobody, and blames nobody', async () => {
    const ghosts = 600
    await onScene({}, async ({ liar, honest, anna, network, findings, names }) => {
      liar.attach(await invented(ghosts, network.name))
      await network.peer('carol', { directory: [`127.0.0.1:${honest.port}`] })
      await becomes(() => names().includes('carol'), true)
      const liarId = liar.peerId.toString()
      const shown = () => anna.peers.roster().filter(({ nickname }) => nickname.startsWith('ghost'))
      await becomes(() => shown().length, ghosts)
      await becomes(() => shown().filter(({ onlyVia }) => onlyVia === liarId).length, ghosts)
      // Longer than directories may differ, and a few rounds of questions.
      await sleep(12_000)
      expect(findings(honest.peerId)).toEqual(innocent)
      expect(
        names()
          .filter((name) => !name.startsWith('ghost'))
          .toSorted()
      ).toEqual(['bob', 'carol'])
    })
  })
})

async function invented(count: number, network: string): Promise<readonly VerifiedRecord[]> {
  const none = { status: '', addresses: [], capabilities: [] }
  const seal = async (_: unknown, i: number): Promise<VerifiedRecord> =>
    sealRecord({ seq: 1n, issuedAtMs: 1, nickname: `ghost ${i}`, network, ...none }, await generateKeyPair('Ed25519'))
  return Promise.all(Array.from({ length: count }, seal))
}
