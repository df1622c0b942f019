/**
 * Goal 13: how soon a person sees that another has come, has gone, or is lost. Real commands: two chats on a LAN of
 * network namespaces, whose cable is cut; two directories that are joined, and one that is killed; a chat that is killed
 * and started again; and the demo. Where there can be no namespaces the LAN is not measured.
 *
 * Run: npm run bench -- presence [--rounds 3] [--json FILE] [--smoke]
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { JsonParley, randomNetwork, type ParleyEvent } from '../test/fault/json-parley.ts'
import { Lan, whyNoNamespaces } from '../test/netns/lan.ts'
import { entryPoint, nodePath } from '../test/processes/parley-process.ts'
import { freePorts } from '../test/processes/ports.ts'
import { builtParley } from './built.ts'
import { goals, type GoalId } from './goals.ts'
import { Report, reportOptions } from './report.ts'

const { values } = parseArgs({ options: { ...reportOptions, rounds: { type: 'string', default: '3' } } })
const rounds = values.smoke ? 1 : Number(values.rounds)
/** The same port on both hosts: each finds itself behind the other's loopback address, and must not be misled by that. */
const lanPort = 4001

const measured = new Map<GoalId, number[]>()
const running: JsonParley[] = []
const report = new Report()
report.note(`${rounds} rounds`)
await builtParley()
const whyNoLan = values.smoke ? 'a smoke run needs no network' : await whyNoNamespaces()
if (whyNoLan !== undefined) report.note(`LAN: ${whyNoLan}`)
for (let round = 0; round < rounds; round++) {
  if (whyNoLan === undefined) await onLan()
  if (!values.smoke) await atDirectories()
  await afterKill()
  if (!values.smoke) await demo()
}
const seconds = ['lanSeen', 'lanGone', 'lanLost', 'quitSeen', 'directoryLost', 'resumed', 'demo'] as const
for (const id of seconds) {
  const rows = measured.get(id) ?? []
  report.goal(id, report.figure(goals[id].name, 's', rows))
}
report.finish()

function note(id: (typeof seconds)[number], fromMs: number, toMs: number): void {
  measured.set(id, [...(measured.get(id) ?? []), (toMs - fromMs) / 1_000])
}

async function start(init: Parameters<typeof JsonParley.spawn>[0]): Promise<JsonParley> {
  const parley = await JsonParley.spawn(init)
  running.push(parley)
  return parley
}

async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map(async (one) => one.stop()))
}

async function onLan(): Promise<void> {
  const lan = await Lan.create({ hosts: 2 })
  try {
    const [first, second] = [lan.host(0), lan.host(1)]
    const network = randomNetwork()
    const chat = async (wrapper: readonly string[], name: string): Promise<JsonParley> =>
      start({ wrapper, secluded: false, network, args: ['--port', `${lanPort}`, '--name', name] })
    const anna = await chat(first.wrapper, 'anna')
    await anna.ready()
    const berta = await chat(second.wrapper, 'berta')
    note('lanSeen', berta.startedAtMs, Math.max(await comes(anna, 'berta', 0), await comes(berta, 'anna', 0)))

    const cutAtMs = performance.now()
    await second.cut()
    note('lanLost', cutAtMs, Math.max(await goes(anna, 'berta', cutAtMs), await goes(berta, 'anna', cutAtMs)))
    const repairedAtMs = performance.now()
    await second.repair()
    await Promise.all([comes(anna, 'berta', repairedAtMs), comes(berta, 'anna', repairedAtMs)])

    const quitAtMs = performance.now()
    const ended = berta.quit()
    note('lanGone', quitAtMs, await goes(anna, 'berta', quitAtMs))
    await ended
  } finally {
    await stopAll()
    await lan.remove()
  }
}

/** One of two joined directories is killed: what it alone had attached goes from the roster of the other. */
async function atDirectories(): Promise<void> {
  try {
    const network = randomNetwork()
    const ports = await freePorts(2)
    const others = ports.flatMap((port) => ['--join', `127.0.0.1:${port}`])
    const directories = await Promise.all(
      ports.map(async (port) => start({ network, args: ['directory', '--port', `${port}`, '--no-http', ...others] }))
    )
    for (const one of directories) {
      await one.until('the others', () =>
        one.events.filter(({ event }) => event === 'directory-joined').length >= 1 ? true : undefined
      )
    }
    const at = async (name: string, port: number): Promise<JsonParley> =>
      start({ network, args: ['--name', name, '--directory', `127.0.0.1:${port}`] })
    const [first = 0, second = 0] = ports
    const watcher = await at('watcher', second)
    const quitting = await at('quitting', first)
    await at('alone', first)
    for (const name of ['quitting', 'alone']) await comes(watcher, name, 0)
    const quitAtMs = performance.now()
    const ended = quitting.quit()
    note('quitSeen', quitAtMs, await goes(watcher, 'quitting', quitAtMs))
    await ended
    const killedAtMs = performance.now()
    await directories[0]?.kill()
    note('directoryLost', killedAtMs, await goes(watcher, 'alone', killedAtMs))
  } finally {
    await stopAll()
  }
}

/** A conversation goes on with one that was killed and started again. */
async function afterKill(): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'parley-presence-'))
  try {
    const network = randomNetwork()
    const chat = async (name: string): Promise<JsonParley> => start({ network, home, args: ['--profile', name] })
    const anna = await chat('anna')
    const berta = await chat('berta')
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    await anna.do({ do: 'chat', peer: await berta.address() })
    await berta.do({ do: 'chat', peer: annaId })
    await anna.untilConversation(bertaId, 'open')
    await berta.kill()
    await anna.do({ do: 'send', peer: bertaId, text: 'meanwhile' })
    const again = await chat('berta')
    const { atMs } = await again.ready()
    await again.untilTexts(annaId, 1)
    note('resumed', atMs, performance.now())
  } finally {
    await stopAll()
    await rm(home, { recursive: true })
  }
}

async function demo(): Promise<void> {
  const startedAtMs = performance.now()
  const child = spawn(nodePath, [entryPoint, 'demo', '--ports', (await freePorts(3)).join(',')], { stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`the demo ended with ${code}`)
  note('demo', startedAtMs, performance.now())
}

/** When the name came to its roster after that moment. */
async function comes(who: JsonParley, name: string, afterMs: number): Promise<number> {
  return told(who, name, afterMs, ({ event }) => (event === 'ready' ? 'roster' : event === 'roster' ? 'joined' : ''))
}

async function goes(who: JsonParley, name: string, afterMs: number): Promise<number> {
  return told(who, name, afterMs, ({ event }) => (event === 'roster' ? 'left' : ''))
}

async function told(
  who: JsonParley,
  name: string,
  afterMs: number,
  field: (event: ParleyEvent) => string
): Promise<number> {
  const { atMs } = await who.until(name, () =>
    who.events.find((event) => {
      const rows = event[field(event)]
      return event.atMs > afterMs && Array.isArray(rows) && rows.some((row) => row.nickname === name)
    })
  )
  return atMs
}
