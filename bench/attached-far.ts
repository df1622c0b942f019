/**
 * Goal 16: a full screen that is attached over ssh to a daemon on a machine that is
 * 100 ms away, there and back: from Enter to the own message on the screen, which is
 * there once that machine has stored it. The machine is this one, with a real sshd
 * behind a line that takes 50 ms each way, and up to 5 ms more.
 *
 * Run: npm run bench -- attached-far [--rounds 60] [--json FILE] [--smoke]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { JsonParley, randomNetwork } from '../test/fault/json-parley.ts'
import { secludedEnv } from '../test/processes/homes.ts'
import { SshMachine } from '../test/processes/ssh-machine.ts'
import { quantile } from './bench-process.ts'
import { builtParley, root } from './built.ts'
import { onTerminal, terminalEnvironment, type OnTerminal } from './on-terminal.ts'
import { Report, reportOptions } from './report.ts'

const { values } = parseArgs({ options: { ...reportOptions, rounds: { type: 'string' } } })
const rounds = Number(values.rounds ?? (values.smoke ? 3 : 60))
const oneWayMs = 50
const slow = 0.95

const report = new Report()
report.note(`a line of ${oneWayMs} ms each way; ${rounds} messages, one after the other`)
if (SshMachine.isPossible) await measure()
else report.note('there is no sshd here: not measured')
report.finish()

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-far-'))
  const network = randomNetwork()
  const running: JsonParley[] = []
  let there: SshMachine | undefined
  let face: OnTerminal | undefined
  try {
    await builtParley()
    const home = join(folder, 'anna')
    const daemon = await JsonParley.spawn({ args: ['daemon', '--name', 'anna'], home, network })
    running.push(daemon)
    await daemon.until('the daemon', () => daemon.events.find(({ event }) => event === 'running'))
    const bob = await JsonParley.start({ args: ['--name', 'bob', '--accept', 'all'], network })
    running.push(bob)
    there = await SshMachine.start(join(folder, 'ssh'), { delayMs: oneWayMs })
    const remote = SshMachine.parley(secludedEnv(home, network))
    const program = join(root, 'bin', 'parley.js')
    const args = [program, 'attach', 'ssh:there', '--remote-command', `"${remote}"`]
    const env = { ...terminalEnvironment(join(folder, 'face'), network), PATH: there.path }
    face = await onTerminal(args, { sign: /You are/u, env })
    await face.typed(`${await bob.address()}\r`, /beginning of your conversation/u)
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      const text = `message-${round}-of-${rounds}`
      await face.typed(text, new RegExp(text, 'u'))
      times.push(await face.typed('\r', new RegExp(text, 'u')))
    }
    const median = report.figure('attached over ssh: Enter to the own message on the screen', 'ms', times)
    report.figure('95 % of them are faster than', 'ms', [quantile(times, slow)])
    report.goal('attachedEcho', median)
  } finally {
    await face?.end()
    await Promise.allSettled(running.map(async (one) => one.stop()))
    there?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
