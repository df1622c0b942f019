// What a peer elsewhere says of its addresses, through a directory on another
// machine, makes nobody dial services of its own machine. Real commands in
// network namespaces; where there can be none, it says so.
import { afterEach, expect, test } from 'vitest'
import { JsonParley, patienceMs, randomNetwork } from '../fault/json-parley.ts'
import { HostProgram } from '../netns/host-program.ts'
import { Lan, whyNoNamespaces } from '../netns/lan.ts'
import { untilListening } from '../netns/listening.ts'

const whyNot = await whyNoNamespaces()
const directoryPort = 8000
const ports = ['4101', '4102', '4103', '4104', '4105', '4106', '4107', '4108']
let lan: Lan | undefined
const running: { stop(): unknown }[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (one) => one.stop()))
  await lan?.remove()
  lan = undefined
})

test('a peer that names loopback addresses is dialled at none of them, and /path says why', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  lan = await Lan.create({ hosts: 3 })
  const [victim, directory, attacker] = [lan.host(0), lan.host(1), lan.host(2)]
  const network = randomNetwork()
  const own = new HostProgram(victim, 'counting-listener.ts', ['127.0.0.1', ...ports])
  const at = await JsonParley.spawn({
    wrapper: directory.wrapper,
    secluded: false,
    network,
    args: ['directory', '--port', String(directoryPort), '--no-mdns', '--no-http']
  })
  running.push(own, at)
  await untilListening(at.pid, directoryPort, patienceMs)
  const claims = ports.map((port) => `/ip4/127.0.0.1/tcp/${port}`).join(',')
  const place = `/ip4/${directory.address}/tcp/${directoryPort}`
  const liar = new HostProgram(attacker, 'announced-record.ts', [place, network, claims])
  running.push(liar)
  await expect.poll(() => liar.count('registered')).toBe(1)
  await expect.poll(() => own.count('listening')).toBe(ports.length)
  const anna = await JsonParley.spawn({
    wrapper: victim.wrapper,
    secluded: false,
    network,
    args: ['--name', 'anna', '--no-mdns', '--directory', `${directory.address}:${directoryPort}`]
  })
  running.push(anna)
  await anna.ready()
  const peer = liar.output.split('\n')[0] ?? ''
  await anna.do({ do: 'chat', peer })
  await anna.untilConversation(peer, 'waiting')
  const path = await anna.do({ do: 'path', peer })
  process.stdout.write(`  dials at own loopback ports: ${own.count('connection')}; ${JSON.stringify(path)}\n`)
  expect(own.count('connection')).toBe(0)
  expect(JSON.stringify(path)).toContain("is another machine's own (loopback); nor are 7 more")
})
