/**
 * The cases as data. The matrix is every foreign implementation and key, either side dialling,
 * either side speaking first, against Parley; the same conversations between two foreign peers
 * show that those, and this harness, work without Parley.
 */
import type { ChatSide } from './chat-side.ts'
import { converse, courses, exchange, openWithEachAmbiguousLine } from './conversation.ts'
import { ForeignSide } from './foreign-side.ts'
import {
  goPeer,
  implementations,
  jsPeer,
  pyPeer,
  rustRelay,
  type Implementation,
  type RelayImplementation
} from './implementations.ts'
import { Libp2pSide } from './libp2p-side.ts'
import { ParleySide } from './parley-side.ts'
import type { ToolchainName } from './prepare.ts'
import { examples, leave, sendThrice } from './ending.ts'
import { writeTooMuch } from './too-much.ts'
import { holdLease, talkWithinLimits } from './relay.ts'
import { staySilent } from './silence.ts'

export interface Case {
  readonly name: string
  /** What has to be there for it to run. */
  readonly needs: readonly ToolchainName[]
  readonly run: () => Promise<void>
}

interface Opponent {
  readonly name: string
  readonly needs: Case['needs']
  readonly start: () => ChatSide
}

const parley: Opponent = { name: 'Parley', needs: [], start: () => new ParleySide() }

const currentPackages: Opponent = {
  name: 'js-libp2p on the current packages',
  needs: [],
  start: () => new Libp2pSide()
}

function foreign(implementation: Implementation, key: 'rsa' | 'ed25519'): Opponent {
  const start = (): ForeignSide => new ForeignSide(implementation, key)
  return { name: start().name, needs: [implementation.toolchain], start }
}

function conversations(implementation: Implementation, key: 'rsa' | 'ed25519', other: Opponent): Case[] {
  const peer = new ForeignSide(implementation, key)
  return courses.map((course) => ({
    name: [
      `${peer.name} and ${other.name}`,
      `${course.dials === 'peer' ? peer.name : other.name} dials`,
      `${course.speaksFirst === 'peer' ? peer.name : other.name} speaks first`
    ].join(', '),
    needs: [implementation.toolchain, ...other.needs],
    run: () => converse(new ForeignSide(implementation, key), other.start(), implementation.dialect, course)
  }))
}

function relayed({ name, toolchain, program }: RelayImplementation): Case[] {
  const needs = [toolchain]
  return [
    {
      name: `a conversation through a ${name} relay goes on whenever that ends its connection`,
      needs,
      run: () => talkWithinLimits(program)
    },
    {
      name: `a reservation at a ${name} relay outlives three of its times, by clocks an hour apart`,
      needs,
      run: () => holdLease(program)
    }
  ]
}

const betweenForeignPeers: readonly Case[] = [
  ...conversations(goPeer, 'rsa', foreign(pyPeer, 'ed25519')),
  ...conversations(pyPeer, 'rsa', foreign(goPeer, 'ed25519')),
  ...conversations(jsPeer, 'rsa', foreign(jsPeer, 'ed25519')),
  ...conversations(jsPeer, 'ed25519', currentPackages)
]

const withParley: readonly Case[] = [
  ...implementations.flatMap((implementation) =>
    implementation.keys.flatMap((key) => conversations(implementation, key, parley))
  ),
  ...(['dialler', 'listener'] as const).flatMap((speaksFirst) =>
    [true, false].map((parleyDials) => ({
      name: `js-libp2p under a name of its own and Parley, ${parleyDials ? 'Parley' : 'it'} dials, the ${speaksFirst} speaks first`,
      needs: [],
      run: () => {
        const other = new Libp2pSide('somebodys-chat')
        return parleyDials ? exchange(parley.start(), other, speaksFirst) : exchange(other, parley.start(), speaksFirst)
      }
    }))
  ),
  {
    name: 'a first line that also reads as a frame opens a conversation, for every such line',
    needs: ['go'],
    run: () => openWithEachAmbiguousLine(() => new ForeignSide(goPeer, 'ed25519'), parley.start())
  },
  ...examples.flatMap((example) =>
    (['peer', 'parley'] as const).map((dials) => ({
      name: `${example.name}, EXIT and QUIT, ${dials} dials`,
      needs: [example.implementation.toolchain],
      run: () => leave(example, dials)
    }))
  ),
  ...examples
    .filter(({ outlivesEnd }) => outlivesEnd)
    .map((example) => ({
      name: `${example.name} outlives parley send, three times`,
      needs: [example.implementation.toolchain],
      run: () => sendThrice(example)
    })),
  ...implementations.map((implementation) => ({
    name: `${implementation.name}, a stranger that writes too much`,
    needs: [implementation.toolchain],
    run: () => writeTooMuch(implementation)
  })),
  ...relayed(goPeer),
  {
    name: 'a connection outlives a silence, with every implementation',
    needs: implementations.map(({ toolchain }) => toolchain),
    run: async () => {
      await Promise.all(implementations.map(staySilent))
    }
  }
]

export const cases: readonly Case[] = [...betweenForeignPeers, ...withParley]

/** Those that are run when they are asked for: their peer takes long to build. */
export const rustCases: readonly Case[] = relayed(rustRelay)
