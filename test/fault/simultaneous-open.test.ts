// Both peers open the conversation with each other at the same instant, twenty
// times with peers that have never met: it is always one conversation, in which
// everything arrives once and in order.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ChatNode, loadConfig } from '../../src/node/index.ts'
import { randomNetwork } from './json-parley.ts'
import { foldersOf } from '../processes/homes.ts'

const rounds = 20
const messagesEach = 20
/** TCP_ESTABLISHED in the kernel's table of sockets. */
const establishedState = '01'

let home = ''

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-test-'))
})

afterEach(async () => rm(home, { recursive: true, force: true }))

const isLinux = process.platform === 'linux'

test.runIf(isLinux)('two peers that open each other at once have one working conversation, every time', async () => {
  let bothDialled = 0
  for (let round = 1; round <= rounds; round++) {
    const network = randomNetwork()
    const [anna, berta] = await Promise.all([
      Side.start(`anna-${round}`, network),
      Side.start(`berta-${round}`, network)
    ])
    try {
      // Each knows the other's address and has no connection yet.
      await Promise.all([anna.knows(berta), berta.knows(anna)])
      await Promise.all([anna.opens(berta), berta.opens(anna)])
      const [fromAnna, fromBerta] = await Promise.all([anna.says(berta), berta.says(anna)])
      await Promise.all([anna.untilDelivered(), berta.untilDelivered()])

      expect(anna.texts).toEqual({ out: fromAnna, in: fromBerta })
      expect(berta.texts).toEqual({ out: fromBerta, in: fromAnna })
      const states = () => [
        anna.node.messaging.state(berta.node.self.peerId),
        berta.node.messaging.state(anna.node.self.peerId)
      ]
      const open = { name: 'open', dialect: 'parley', path: 'lan' }
      await expect.poll(states).toMatchObject([open, open])
      if ((await anna.wasDialled()) && (await berta.wasDialled())) bothDialled += 1
    } finally {
      await Promise.all([anna.node.stop(), berta.node.stop()])
    }
  }
  process.stdout.write(`  both dials succeeded in ${bothDialled} of ${rounds} rounds\n`)
  // Otherwise nothing was tested that a single dial would not have shown.
  expect(bothDialled).toBeGreaterThan(0)
})

class Side {
  readonly node: ChatNode
  /** All that was said, oldest first. */
  readonly texts: { readonly in: string[]; readonly out: string[] } = { in: [], out: [] }
  readonly #name: string
  readonly #undelivered = new Set<string>()

  private constructor(node: ChatNode, name: string) {
    this.node = node
    this.#name = name
    node.events.addEventListener('message', ({ detail }) => this.texts.in.push(detail.message.text))
    node.events.addEventListener('delivery', ({ detail }) => {
      if (detail.state === 'delivered') this.#undelivered.delete(detail.message.id)
    })
  }

  static async start(name: string, network: string): Promise<Side> {
    const folders = foldersOf(join(home, name))
    const flags = { network, name, host: '127.0.0.1', mdns: false, defaultDirectories: false }
    const node = await ChatNode.create({ config: await loadConfig({ flags, env: folders }), interactive: false })
    await node.start()
    return new Side(node, name)
  }

  /** Learns the other's address, without dialling it. */
  async knows(other: Side): Promise<void> {
    const target = await this.node.peers.resolve([String(other.node.self.addresses()[0])])
    expect(target.peer).toBe(other.node.self.peerId)
  }

  async opens(other: Side): Promise<void> {
    await this.node.messaging.open(other.node.self.peerId)
  }

  /** Says its lines without waiting for anything. */
  async says(other: Side): Promise<readonly string[]> {
    for (let line = 1; line <= messagesEach; line++) {
      const text = `${this.#name} ${line}`
      this.texts.out.push(text)
      const { id } = await this.node.messaging.send(other.node.self.peerId, text)
      this.#undelivered.add(id)
    }
    return this.texts.out
  }

  async untilDelivered(): Promise<void> {
    await expect.poll(() => this.#undelivered.size).toBe(0)
  }

  /** Whether this one has been dialled, by the system's table of connections. */
  async wasDialled(): Promise<boolean> {
    const table = await readFile('/proc/self/net/tcp', 'utf8')
    const port = this.node.self.port.toString(16).toUpperCase().padStart(4, '0')
    return table.split('\n').some((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/)
      return state === establishedState && local.endsWith(`:${port}`)
    })
  }
}
