// `npm run test:absent -- --contacts N`: a chat starts with a message pending for each of N contacts, whose addresses
// drop every packet. What is written to a contact that is there must not wait behind them: it prints how long it takes
// from the command to the receipt, and ends with 1 when more dials than one turn of them were given up meanwhile. Needs
// network namespaces (root on Linux); without them it is skipped, or under CI fails.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { JsonParley, randomNetwork } from '../fault/json-parley.ts'
import { Lan, whyNoNamespaces } from '../netns/lan.ts'
import { nodePath } from '../processes/parley-process.ts'
import { MAX_RECONNECTS_AT_ONCE } from '../../src/node/messaging/reconnect.ts'
import { PeerBook, SqliteStore } from '../../src/storage/index.ts'
import { profileIn } from '../processes/homes.ts'

const defaultContacts = 1000
/** Routed to a host that forwards nothing, and says nothing. */
const nowhere = '10.99'
const hostsEach = 250
/** Dials that go on at once end at once too, on a busy machine perhaps while a message is under way. */
const limitBehind = 2 * MAX_RECONNECTS_AT_ONCE
/** A wait behind all of them, some at a time, takes minutes. */
const patienceMs = 15 * 60_000

const run = promisify(execFile)

async function main(contacts: number): Promise<number> {
  const why = await whyNoNamespaces()
  if (why !== undefined) {
    const isRequired = process.env['CI'] !== undefined
    console.log(`${why}: ${isRequired ? 'this test can NOT be run' : 'skipped'}`)
    return isRequired ? 1 : 0
  }
  await run(nodePath, [join(import.meta.dirname, '..', '..', 'scripts', 'build.js'), '--if-stale'])
  const lan = await Lan.create({ hosts: 2 })
  const folder = await mkdtemp(join(tmpdir(), 'parley-absent-'))
  const running: JsonParley[] = []
  try {
    const [near, far] = [lan.host(0), lan.host(1)]
    await run('ip', ['-n', near.namespace, 'route', 'add', `${nowhere}.0.0/16`, 'via', far.address])
    const network = randomNetwork()
    const start = async (name: string, host: typeof near): Promise<JsonParley> => {
      const args = ['--no-mdns', '--accept', 'all', '--host', host.address]
      const home = join(folder, name)
      const parley = await JsonParley.start({ home, network, args, wrapper: host.wrapper, secluded: false })
      running.push(parley)
      return parley
    }
    const maker = await start('anna', near)
    await maker.quit()
    await fill(profileIn(join(folder, 'anna')), contacts)
    const berta = await start('berta', far)
    const anna = await start('anna', near)
    const [peer, address] = [await berta.peerId(), await berta.address()]
    console.log(`${contacts} contacts with a message each at addresses that drop packets; one that is there`)
    // First as a stranger to this chat, then again after its connection was lost, then with the conversation open.
    const first = await deliver(anna, { do: 'msg', peer: address, text: 'to one that was never reached' })
    await berta.kill()
    await anna.until('the loss', () => (anna.conversation(peer) === 'open' ? undefined : true))
    await start('berta', far)
    const again = await deliver(anna, { do: 'send', peer, text: 'to one that was lost and is back' })
    await anna.do({ do: 'open', peer })
    const open = await deliver(anna, { do: 'send', peer, text: 'in the open conversation' })
    const waits = Object.entries({
      'never reached before': first,
      'lost and back': again,
      'in the open conversation': open
    })
    for (const [what, { ms, behind }] of waits) {
      console.log(`${what}: ${Math.round(ms)} ms, ${behind} dials were given up meanwhile`)
    }
    const underWay = lastStates(anna).filter((state) => state === 'connecting').length
    if (underWay === 0) throw new Error('no dial is under way: the addresses answer, and this shows nothing')
    const longestMs = Math.max(...waits.map(([, { ms }]) => ms))
    console.log(`contacts ${contacts} dials under way ${underWay} longest ${Math.round(longestMs)} ms`)
    return waits.every(([, { behind }]) => behind <= limitBehind) ? 0 : 1
  } finally {
    await Promise.allSettled(running.map(async (parley) => parley.kill()))
    await lan.remove()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Contacts that were reached once, with a message that waits. */
async function fill(folder: string, contacts: number): Promise<void> {
  const book = await PeerBook.open(join(folder, 'book.json'))
  const store = await SqliteStore.open(join(folder, 'history.db'))
  const peers = await Promise.all(Array.from({ length: contacts }, async () => generateKeyPair('Ed25519')))
  const writes = peers.map(async (key, n) => {
    const peer = peerIdFromPrivateKey(key).toString()
    const address = `/ip4/${nowhere}.${Math.floor(n / hostsEach)}.${1 + (n % hostsEach)}/tcp/4001`
    await book.accept(peer, `contact ${n}`, 0)
    await book.rememberAddress(peer, address)
    await store.addOutgoing({ peer, text: 'waits', sentAtMs: Date.now() })
  })
  await Promise.all(writes)
  await store.close()
}

/** How it stands with each contact, as it was told last. */
function lastStates(parley: JsonParley): readonly unknown[] {
  const told = parley.events.filter(({ event }) => event === 'conversation')
  return [...new Map(told.map((event) => [event['peer'], event['state']])).values()]
}

interface Wait {
  /** From the command to the receipt. */
  readonly ms: number
  /** Dials of others that were given up meanwhile. */
  readonly behind: number
}

async function deliver(from: JsonParley, command: Readonly<Record<string, unknown>>): Promise<Wait> {
  const startedAtMs = performance.now()
  const before = from.events.length
  const answer = await from.do(command)
  const { id, state } = answer['message'] as { readonly id: string; readonly state: string }
  const isDelivered = (): true | undefined =>
    state === 'delivered' ||
    from.events.some((one) => one.event === 'delivery' && one['id'] === id && one['state'] === 'delivered') ||
    undefined
  await from.until('the receipt', isDelivered, patienceMs)
  const given = from.events.slice(before).filter((one) => one.event === 'conversation' && one['state'] === 'waiting')
  return { ms: performance.now() - startedAtMs, behind: given.length }
}

const { values } = parseArgs({ options: { contacts: { type: 'string' } } })
process.exitCode = await main(Number(values.contacts ?? defaultContacts))
