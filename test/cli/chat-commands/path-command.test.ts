// The path to a peer, asked for with a command: in words, and as JSON.
import { describe, expect, test } from 'vitest'
import type { PathView } from '../../../src/cli/chat-api/chat-api.ts'
import type { CommandResult } from '../../../src/cli/chat-commands/chat-command.ts'
import { findCommand } from '../../../src/cli/chat-commands/chat-commands.ts'
import { resultJson } from '../../../src/cli/json/answer-json.ts'
import { conversationJson, rowJson } from '../../../src/cli/json/event-json.ts'
import { resultLines } from '../../../src/cli/chat-commands/result-lines.ts'
import { shortId } from '../../../src/lib/index.ts'
import { FakeNode, row } from '../fake-node.ts'

const context = { nowMs: 1_000, numberOf: () => 1, labelOf: () => 'bob', rosterLines: () => [], fold: { rows: 20 } }
const peer = '12D3KooWbob'

async function asked(path: PathView): Promise<{ result: CommandResult; node: FakeNode }> {
  const node = new FakeNode()
  node.rows = [row('bob')]
  node.paths.set(peer, path)
  const resolve = async (words: readonly string[]) => node.resolve(words)
  const result = await findCommand('path')?.run({ node, current: peer, resolve }, {})
  if (result === undefined) throw new Error('there is no such command')
  return { result, node }
}

describe('/path', () => {
  test('measures the way to the peer of the open conversation, and says where it leads', async () => {
    const { result, node } = await asked({
      kind: 'lan',
      address: '/ip4/192.168.1.7/tcp/4001',
      host: '192.168.1.7',
      rttMs: 2
    })
    expect(node.calls).toContain('measure bob')
    expect(resultLines(result, context)).toEqual([
      'The path to bob: over the local network to 192.168.1.7, 2 ms there and back.'
    ])
    const json = {
      path: 'lan',
      address: '/ip4/192.168.1.7/tcp/4001',
      rttMs: 2,
      why: null,
      triedAtMs: null,
      retryAtMs: null
    }
    expect(resultJson(result)).toEqual({ peer, name: 'bob', ...json })
  })

  test('says that no one has answered yet', async () => {
    const { result } = await asked({ kind: 'direct', address: '/ip4/5.6.7.8/udp/40123', host: '5.6.7.8' })
    expect(resultLines(result, context)).toEqual(['The path to bob: directly to 5.6.7.8, not measured yet.'])
    expect(resultJson(result)).toMatchObject({ path: 'direct', rttMs: null })
  })

  test('names the relay that it leads through', async () => {
    const relay = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'
    const { result } = await asked({ kind: 'relayed', relay, address: `/p2p/${relay}/p2p-circuit`, rttMs: 61 })
    const line = `The path to bob: through the relay ${shortId(relay)}, 61 ms there and back.`
    expect(resultLines(result, context)).toEqual([line])
  })

  test('says why it is relayed still, and when a direct path was tried and is tried again', async () => {
    const relay = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'
    const relayed = { kind: 'relayed', relay, address: `/p2p/${relay}/p2p-circuit`, rttMs: 61 } as const
    const why = 'UDP is blocked on this side'
    const tried = await asked({ ...relayed, noDirect: { why, triedAtMs: -11_000, retryAtMs: 49_000 } })
    const line = `The path to bob: through the relay ${shortId(relay)}, 61 ms there and back.`
    expect(resultLines(tried.result, context)).toEqual([
      `${line} No direct path: ${why}; tried 12 s ago, next try in 48 s.`
    ])
    expect(resultJson(tried.result)).toMatchObject({ path: 'relayed', why, triedAtMs: -11_000, retryAtMs: 49_000 })
    const untried = await asked({ ...relayed, noDirect: { why: 'the peer is not a contact' } })
    expect(resultLines(untried.result, context)).toEqual([`${line} No direct path: the peer is not a contact.`])
  })

  test('says why there is none, and when it is tried again', async () => {
    const { result } = await asked({ kind: 'none', why: 'nothing listens there', retryAtMs: 4_000 })
    expect(resultLines(result, context)).toEqual(['No path to bob: nothing listens there, next try in 3 s.'])
    const json = {
      path: 'none',
      address: null,
      rttMs: null,
      why: 'nothing listens there',
      triedAtMs: null,
      retryAtMs: 4_000
    }
    expect(resultJson(result)).toEqual({ peer, name: 'bob', ...json })
  })
})

test('a row and a conversation tell as JSON how far the peer is, and a row why there is no way to it', () => {
  expect(rowJson(row('bob', { path: 'lan', rttMs: 2 }))).toMatchObject({ path: 'lan', rttMs: 2, why: null })
  expect(rowJson(row('bob', { why: 'refused' }))).toMatchObject({ path: 'none', rttMs: null, why: 'refused' })
  const open = { name: 'open', dialect: 'parley', path: 'direct' } as const
  expect(conversationJson({ ...open, rttMs: 34 })).toEqual({
    state: 'open',
    dialect: 'parley',
    path: 'direct',
    rttMs: 34
  })
  expect(conversationJson(open)).toMatchObject({ rttMs: null })
})
