/**
 * Goal 16: a daemon with a history of 100,000 messages at rest; how long a full
 * screen that attaches to it takes from the start of its process to who one is,
 * and its memory; and the rate at which three attached faces are shown what a
 * peer sends. Beside the first screen: that of a window with a node of its own.
 *
 * Run: npm run bench -- attached [--messages 100000] [--rounds 7] [--seconds 20] [--json FILE] [--smoke]
 */

import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { SqliteStore } from '../src/storage/index.ts'
import { JsonParley, randomNetwork } from '../test/fault/json-parley.ts'
import { BenchProcess } from './bench-process.ts'
import { builtParley, root } from './built.ts'
import { launcherEnvironment } from './launcher.ts'
import type { ChatAnswer, ChatOrder } from './chat-side.ts'
import { onTerminal, terminalEnvironment } from './on-terminal.ts'
import { processorSeconds, residentMegabytes } from './process-use.ts'
import { Report, reportOptions } from './report.ts'

const { values } = parseArgs({
  options: {
    ...reportOptions,
    messages: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' }
  }
})
const messages = Number(values.messages ?? (values.smoke ? 1_000 : 100_000))
const rounds = Number(values.rounds ?? (values.smoke ? 1 : 7))
const seconds = Number(values.seconds ?? (values.smoke ? 1 : 20))
const sent = values.smoke ? 200 : 5_000
/** The search index of a history that was just made is written first. */
const restPercent = 2
const mostRestLooks = values.smoke ? 1 : 60
const conversations = 200
const batch = 500
const faces = 3

const folder = mkdtempSync(join(tmpdir(), 'parley-attached-'))
const network = randomNetwork()
const running: JsonParley[] = []
const senders: { stop(): Promise<void> }[] = []
const report = new Report()
report.note(
  `a history of ${messages} messages with ${conversations} peers; ${rounds} starts in turns; at rest for ${seconds} s`
)
try {
  const build = await builtParley()
  const [home, other] = [join(folder, 'anna'), join(folder, 'other')]
  await fill(home)
  await fill(other)
  const daemon = await started({ args: ['daemon', '--name', 'anna', '--accept', 'all'], home }, 'running')
  await untilAtRest(daemon.pid)
  const before = processorSeconds(daemon.pid)
  await sleep(seconds * 1_000)
  const cpu = (100 * (processorSeconds(daemon.pid) - before)) / seconds
  report.goal('daemonMemory', report.figure('daemon at rest: memory', 'MB', [residentMegabytes(daemon.pid)]))
  report.goal('daemonCpu', report.figure('daemon at rest: CPU', '% of a core', [cpu]))

  const [attached, alone, memory]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    const face = await screen(home)
    attached.push(face.ms)
    await sleep(1_000)
    memory.push(residentMegabytes(face.pid))
    await face.end()
    const window = await screen(other)
    alone.push(window.ms)
    await window.end()
  }
  report.goal('attachedStart', report.figure('first screen of an attached face', 'ms', attached))
  report.figure('first screen of a window with a node of its own', 'ms', alone)
  report.goal('attachedMemory', report.figure('attached full screen: memory', 'MB', memory))

  const shown: JsonParley[] = []
  for (let n = 0; n < faces; n++) shown.push(await started({ home }, 'ready'))
  const { process: sender } = await BenchProcess.start<ChatOrder, ChatAnswer>('chat-side.ts', { build })
  senders.push(sender)
  const [first] = shown
  await sender.ask({ do: 'connect', address: (await first?.address()) ?? '' })
  const startedAtMs = performance.now()
  await sender.ask({ do: 'send', count: sent, sizeBytes: 64, underWay: sent })
  await Promise.all(shown.map(async (face) => untilShown(face, sent)))
  const rate = sent / ((performance.now() - startedAtMs) / 1_000)
  report.goal('attachedRate', report.figure('messages shown on three attached faces', 'messages/s', [rate]))
  report.finish()
} finally {
  await Promise.allSettled(senders.map(async (one) => one.stop()))
  await Promise.allSettled(running.map(async (one) => one.kill()))
  rmSync(folder, { recursive: true, force: true })
}

async function started(init: { args?: readonly string[]; home: string }, event: string): Promise<JsonParley> {
  const wrapper = ['env', ...Object.entries(launcherEnvironment).map((entry) => entry.join('='))]
  const parley = await JsonParley.spawn({ ...init, network, wrapper })
  running.push(parley)
  await parley.until(`"${event}"`, () => parley.events.find((one) => one.event === event))
  return parley
}

async function screen(home: string): ReturnType<typeof onTerminal> {
  return onTerminal([join(root, 'bin', 'parley.js')], { sign: /You are/u, env: terminalEnvironment(home, network) })
}

async function untilShown(face: JsonParley, count: number): Promise<void> {
  let shown = 0
  let seen = 0
  await face.until(`${count} messages`, () => {
    for (; seen < face.events.length; seen++) if (face.events[seen]?.event === 'message') shown++
    return shown >= count ? true : undefined
  })
}

async function untilAtRest(pid: number): Promise<void> {
  for (let looks = 0; looks < mostRestLooks; looks++) {
    const before = processorSeconds(pid)
    await sleep(1_000)
    if (100 * (processorSeconds(pid) - before) < restPercent) return
  }
}

/** A profile with a history, as a person has after some years. */
async function fill(home: string): Promise<void> {
  const profile = join(home, 'data', 'parley', 'profiles', 'default')
  mkdirSync(profile, { recursive: true, mode: 0o700 })
  const store = await SqliteStore.open(join(profile, 'history.db'))
  const keys = await Promise.all(Array.from({ length: conversations }, async () => generateKeyPair('Ed25519')))
  const peers = keys.map((key) => peerIdFromPrivateKey(key).toString())
  for (let n = 0; n < messages; n += batch) {
    const peer = peers[Math.floor(n / batch) % conversations] ?? ''
    const all = Array.from({ length: batch }, (_, k) => ({
      id: (n + k).toString(16).padStart(32, '0'),
      log: 'a'.repeat(16),
      seq: n + k + 1,
      sentAtMs: n,
      text: `see you at the station tomorrow when train ${n + k} comes in`
    }))
    await store.addIncoming(peer, all, { state: 'accepted', lan: false, storedAtMs: n + 1 })
  }
  await store.close()
}
