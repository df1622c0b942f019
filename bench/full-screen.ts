/**
 * Goal 15: the full-screen face of the whole program in a pseudo-terminal of 120×40,
 * while another process sends it 50 messages a second: from a key to its echo,
 * processor time, memory, and how long it takes to start. Beside it the plain
 * face under the same messages, which tells what the screen costs by itself; the
 * full screen of a daemon that runs already; and the face without a node, with 200
 * peers and 1,000 messages.
 *
 * Run: npm run bench -- full-screen [SECONDS] [--json FILE] [--smoke]
 */

import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { update } from '../src/cli/tui/update/update.ts'
import { Renderer } from '../src/cli/tui/terminal/renderer.ts'
import { view } from '../src/cli/tui/view/view.ts'
import { row } from '../test/cli/fake-node.ts'
import { quantile } from './bench-process.ts'
import { builtParley, root } from './built.ts'
import { terminalEnvironment } from './on-terminal.ts'
import { processorSeconds, residentMegabytes } from './process-use.ts'
import { Report, reportOptions } from './report.ts'
import { received, TestScreen } from '../test/cli/tui/screen.ts'

const { values, positionals } = parseArgs({ options: reportOptions, allowPositionals: true })
const seconds = Number(positionals[0] ?? (values.smoke ? 1 : 20))
const report = new Report()
const columns = 120
const rows = 40
const everyMs = 20
/** Keys are pressed like this, so that they fall anywhere between two messages and two frames. */
const keyEveryMs = { least: 70, most: 180 }
const echoDeadlineMs = 2000
const nodeOptions = ['--name', 'anna', '--accept', 'all']
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'))
const network = `bench-${process.pid}`

await builtParley()

interface Started {
  readonly process: ChildProcessWithoutNullStreams
  /** The parley itself, inside of its terminal. */
  readonly pid: number
  readonly firstDrawMs: number
  readonly readyMs: number
  output(): string
  forget(): void
}

const started: ChildProcessWithoutNullStreams[] = []
try {
  const full = await measureFace('full screen', [])
  const plain = await measureFace('plain lines', ['--plain'])
  const attached = await measureFace('attached', [], { isAttached: true })
  const alone = measureAlone()
  process.stdout.write(
    [
      `Node ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model ?? '?'}; ${columns}×${rows}, ${1000 / everyMs} messages/s for ${seconds} s`,
      '',
      '| face | first draw ms | ready ms | key to echo p50 / p95 ms | CPU of one core, not typing | typing | memory MB |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      line('full screen', full),
      line('plain lines', plain),
      line('full screen of a daemon', attached),
      '',
      `The face alone, 200 peers, 1,000 messages: ${alone.messageUs.toFixed(0)} µs a message with its frame (${alone.messageBytes.toFixed(0)} bytes written), ${alone.keyUs.toFixed(0)} µs a key with its frame (${alone.keyBytes.toFixed(0)} bytes).`,
      '',
      ''
    ].join('\n')
  )
  report.goal('echoMedian', echoMs(full, 0.5))
  report.goal('echoSlow', echoMs(full, 0.95))
  report.goal('screenCpu', Math.max(full.idleShare, full.typingShare) * 100)
  report.goal('screenMemory', full.megabytes)
  report.finish()
} finally {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}

interface Measured {
  readonly firstDrawMs: number
  readonly readyMs: number
  readonly echoesMs: readonly number[]
  readonly idleShare: number
  readonly typingShare: number
  readonly megabytes: number
}

function echoMs({ echoesMs }: Measured, part: number): number {
  return quantile(echoesMs, part)
}

function line(name: string, measured: Measured): string {
  const { firstDrawMs, readyMs, idleShare, typingShare, megabytes } = measured
  const at = (part: number): string => echoMs(measured, part).toFixed(1)
  const figures = { firstDrawMs, readyMs, idleShare, typingShare, megabytes, echoMs: Number(at(0.5)) }
  for (const [what, value] of Object.entries(figures)) report.record(`${name}: ${what}`, '', value)
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  return `| ${name} | ${firstDrawMs.toFixed(0)} | ${readyMs.toFixed(0)} | ${at(0.5)} / ${at(0.95)} | ${percent(idleShare)} | ${percent(typingShare)} | ${megabytes.toFixed(0)} |`
}

async function measureFace(
  name: string,
  args: readonly string[],
  { isAttached = false }: { readonly isAttached?: boolean } = {}
): Promise<Measured> {
  const isPlain = args.includes('--plain')
  const home = join(folder, name.replaceAll(' ', '-'))
  if (isAttached) await startDaemon(home)
  const face = await startFace(home, isAttached ? args : [...nodeOptions, ...args], isPlain)
  const port = /port (\d+)/u.exec(plainText(face.output()))?.[1] ?? ''
  const sender = startSender(join(home, 'sender'))
  const peer = await connect(sender, port)
  face.process.stdin.write('sender\r')
  await until(() => /Connected to|online/u.test(plainText(face.output())), 'the conversation')
  let sent = 0
  const timer = setInterval(() => {
    sender.stdin.write(
      `${JSON.stringify({ do: 'msg', peer, text: `message ${++sent} of a busy conversation, as long as they are` })}\n`
    )
  }, everyMs)
  try {
    await sleep(3000)
    face.forget()
    const idleShare = await coreShare(face.pid, async () => sleep(seconds * 500))
    const echoesMs: number[] = []
    const typingShare = await coreShare(face.pid, async () => type(face, echoesMs, seconds * 500))
    return { ...face, echoesMs, idleShare, typingShare, megabytes: residentMegabytes(face.pid) }
  } finally {
    clearInterval(timer)
    face.process.kill('SIGKILL')
    sender.kill('SIGKILL')
  }
}

async function startFace(home: string, args: readonly string[], isPlain: boolean): Promise<Started> {
  const command = `stty cols ${columns} rows ${rows}; exec ${process.execPath} ${join(root, 'bin', 'parley.js')} ${args.join(' ')}`
  const beganMs = performance.now()
  const child = spawn('script', ['-qfec', command, '/dev/null'], { env: terminalEnvironment(home, network) })
  started.push(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await until(() => /Peer \(|You are/u.test(output), 'the first draw')
  const firstDrawMs = performance.now() - beganMs
  await until(() => (isPlain ? /Peer \(/u : /port \d+/u).test(plainText(output)), 'the node')
  const readyMs = performance.now() - beganMs
  await sleep(1000)
  const pid = Number(
    execFileSync('ps', ['-o', 'pid=', '--ppid', String(child.pid)])
      .toString()
      .trim()
      .split('\n')[0]
  )
  return { process: child, pid, firstDrawMs, readyMs, output: () => output, forget: () => (output = '') }
}

async function startDaemon(home: string): Promise<void> {
  const args = [join(root, 'bin', 'parley.js'), 'daemon', ...nodeOptions]
  const daemon = spawn(process.execPath, args, { env: terminalEnvironment(home, network) })
  started.push(daemon)
  let output = ''
  daemon.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  await until(() => output.includes('RUNNING'), 'the daemon')
}

function startSender(home: string): ChildProcessWithoutNullStreams {
  const args = [join(root, 'bin', 'parley.js'), '--json', '--name', 'sender', '--accept', 'all']
  const child = spawn(process.execPath, args, { env: terminalEnvironment(home, network) })
  started.push(child)
  return child
}

/** Opens the conversation from the sender's side; returns the ID of the face's peer. */
async function connect(sender: ChildProcessWithoutNullStreams, port: string): Promise<string> {
  let output = ''
  sender.stdout.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-100_000)))
  await until(() => output.includes('"ready"'), 'the sender')
  sender.stdin.write(`${JSON.stringify({ do: 'open', peer: ['127.0.0.1', port], tag: 'open' })}\n`)
  const opened = /"peer":"(12D3KooW\w+)"[^\n]*"tag":"open"|"tag":"open"[^\n]*"peer":"(12D3KooW\w+)"/u
  await until(() => opened.test(output), 'the connection')
  const match = opened.exec(output)
  return match?.[1] ?? match?.[2] ?? ''
}

/** Presses keys, and notes how long each takes until the whole line stands there with it. */
async function type(face: Started, echoesMs: number[], forMs: number): Promise<void> {
  const untilMs = performance.now() + forMs
  let typed = ''
  while (performance.now() < untilMs) {
    const letter = String.fromCharCode(0x61 + Math.floor(Math.random() * 26))
    typed += letter
    face.forget()
    const pressedMs = performance.now()
    face.process.stdin.write(letter)
    // A line editor may write the letter alone, a screen the whole line.
    const isThere = (): boolean => face.output().includes(typed) || (typed.length > 1 && face.output() === letter)
    // Woken by what is written, so that the waiting takes nothing from what is measured.
    while (!isThere() && performance.now() - pressedMs < echoDeadlineMs) {
      await once(face.process.stdout, 'data', { signal: AbortSignal.timeout(echoDeadlineMs) }).catch(() => undefined)
    }
    echoesMs.push(performance.now() - pressedMs)
    if (typed.length > 20) {
      face.process.stdin.write('\u0015')
      typed = ''
    }
    await sleep(keyEveryMs.least + Math.random() * (keyEveryMs.most - keyEveryMs.least))
  }
}

/** The face without a node: frames of a conversation that goes on. */
function measureAlone() {
  const peers = Array.from({ length: 200 }, (_, index) => row(`peer-${index}`))
  const screen = TestScreen.ready(columns, rows, [row('bob'), ...peers]).open('bob')
  const renderer = new Renderer('palette')
  let { state } = screen
  let bytes = 0
  const draw = (): void => void (bytes += renderer.render(view(state)).length)
  const many = (count: number, work: (index: number) => void): { us: number; bytes: number } => {
    bytes = 0
    const beganMs = performance.now()
    for (let index = 0; index < count; index++) work(index)
    return { us: ((performance.now() - beganMs) * 1000) / count, bytes: bytes / count }
  }
  const message = (index: number): void => {
    const text = `message ${index} of a busy conversation, as long as they are`
    state = update(state, { is: 'message', message: received(text), name: 'bob' }, Date.now()).state
    draw()
  }
  many(1000, message)
  const messages = many(1000, message)
  const keys = many(1000, (index) => {
    const input = index % 20 === 19 ? ({ is: 'key', key: 'C-u' } as const) : ({ is: 'text', text: 'x' } as const)
    state = update(state, { is: 'input', input }, Date.now()).state
    draw()
  })
  return { messageUs: messages.us, messageBytes: messages.bytes, keyUs: keys.us, keyBytes: keys.bytes }
}

/** The share of one core that a process takes while `work` goes on. */
async function coreShare(pid: number, work: () => Promise<unknown>): Promise<number> {
  const before = processorSeconds(pid)
  const beganMs = performance.now()
  await work()
  return (processorSeconds(pid) - before) / ((performance.now() - beganMs) / 1000)
}

function plainText(output: string): string {
  // oxlint-disable-next-line no-control-regex -- escape sequences are left out
  return output.replace(/\u001b\[[0-9;?]*[A-Za-z]/gu, ' ')
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const untilMs = performance.now() + 30_000
  while (!isSo()) {
    if (performance.now() > untilMs) throw new Error(`${what} did not come within 30 s`)
    await sleep(1)
  }
}
