/** What a program of the user's may write to the socket on which faces attach: lines, and the calls in them. */
import { peerIdFromString } from '@libp2p/peer-id'
import { carryOut, type FaceOnNode } from '../../../src/cli/attach/face-calls.ts'
import { lineOf, MAX_ANSWER_BYTES, MAX_ANSWER_MESSAGES, readMessage } from '../../../src/cli/attach/face-protocol.ts'
import { UsageError } from '../../../src/node/settings.ts'
import { allowAsync, promise, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const peer = '12D3KooWGtp8AcRjjpzWMnL3RbMfFMCSEZMWmMyNSuvdBHAxXhPy'
const methods = [
  'figures',
  'examine',
  'self.rename',
  'messaging.send',
  'messaging.settled',
  'messaging.retry',
  'history.page',
  'history.log',
  'history.search',
  'history.news',
  'history.waiting',
  'reader.open',
  'reader.next',
  'reader.close',
  'peers.resolve',
  'invitations.make',
  'files.offer',
  'files.get',
  'constructor',
  '__proto__'
] as const
const values: readonly unknown[] = [
  peer,
  '',
  'text',
  0,
  1,
  -1,
  1.5,
  1e300,
  null,
  true,
  [],
  ['a', 1],
  { limit: 1e9, maxBytes: 1e12, after: -1 },
  { limit: '5' },
  { peer: 'nobody', id: 3, words: [1] },
  { toString: 1 }
]

function someCalls(reader: InputReader): Uint8Array {
  const calls = reader.list(6, () => ({
    is: reader.byte() < 240 ? 'call' : reader.text(8),
    id: reader.safe(),
    method: reader.byte() < 240 ? reader.oneOf(methods) : reader.text(16),
    args: reader.list(3, () => reader.oneOf(values))
  }))
  return Buffer.from(calls.map((call) => JSON.stringify(call)).join('\n'))
}

/** Whatever is asked of it is itself, and what it is given is looked at. */
function anyNode(): FaceOnNode['node'] {
  const node: unknown = new Proxy(() => undefined, {
    // An answer that is waited for is there.
    get: (_target, name) => (name === 'then' ? undefined : node),
    apply: (_target, _this, given: readonly unknown[]) => {
      for (const one of given) lookAt(one)
      return node
    }
  })
  return node as FaceOnNode['node']
}

/** No face gets more than one answer holds, and a name of a peer is one. */
function lookAt(given: unknown): void {
  if (typeof given !== 'object' || given === null) return
  const { limit, maxBytes, peer: named } = given as { limit?: unknown; maxBytes?: unknown; peer?: unknown }
  promise(limit === undefined || (Number(limit) >= 0 && Number(limit) <= MAX_ANSWER_MESSAGES), 'a page without a bound')
  promise(maxBytes === undefined || Number(maxBytes) <= MAX_ANSWER_BYTES, 'an answer without a bound')
  promise(named === undefined || named === '' || (typeof named === 'string' && isPeer(named)), 'a peer that is none')
}

function isPeer(text: string): boolean {
  try {
    return peerIdFromString(text).toString() === text
  } catch {
    return false
  }
}

const lines: FuzzTarget = {
  name: 'face-calls',
  reaches: 'lines of an attached face, and what they call on the node',
  isAsync: true,
  seeds: () => [
    asIs(Buffer.from(lineOf({ is: 'call', id: 1, method: 'messaging.send', args: [peer, 'text', { id: 'a' }] }))),
    asIs(Buffer.from(lineOf({ is: 'call', id: 2, method: 'history.page', args: [peer, { limit: 5, before: 9 }] }))),
    asIs(Buffer.from(lineOf({ is: 'ping' }))),
    choices(5, 1, 0, 3, 1, 2, 0, 1),
    choices(9, 1, 0, 11, 1, 1, 4)
  ],
  async run(input) {
    const node = anyNode()
    const face: FaceOnNode = { node, screens: node as unknown as FaceOnNode['screens'], readers: new Map(), isPeer }
    const { signal } = new AbortController()
    for (const line of Buffer.from(bytesOf(input, someCalls)).toString().split('\n')) {
      const message = readMessage(line)
      if (message === undefined) continue
      const { method, args } = message
      if (typeof method !== 'string' || !Array.isArray(args)) continue
      await allowAsync([UsageError], async () => carryOut(face, { method, args }, signal))
    }
  }
}

export const targets: readonly FuzzTarget[] = [lines]
