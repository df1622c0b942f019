// `parley doctor [PEER]`: what keeps this machine from others, or a peer from it. It
// asks the parley that runs on the profile; without one it looks from a node that nobody
// sees.
import type { Command } from 'commander'
import { onProfile, runningExamination } from '../control/index.ts'
import { doctorJson } from '../json/event-json.ts'
import { flagsOf, hasSwitch } from '../options/given-options.ts'
import { escapedJson } from '../process/clean-text.ts'
import { type CommandIo, writeLines } from '../process/io.ts'
import { PROGRESS_EVERY_MS, ProgressLine } from '../process/progress-line.ts'
import { doctorLines } from '../wording/doctor-wording.ts'
import { type Config, type DoctorReport, type ExitCode, exitCodes, loadConfig } from '../../node/settings.ts'
import { withChatNode } from './with-chat-node.ts'

/** An examination takes as long as the slowest answer that it waits for, and no longer than this. */
const EXAMINED_WITHIN_MS = 8_000

export async function runDoctor(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const asJson = hasSwitch(command, 'json')
  const report = await shown(io, examined(io, config, command.args))
  if (asJson) writeLines(io.stdout, [escapedJson({ event: 'examined', ...doctorJson(report) })])
  else writeLines(io.stdout, doctorLines(report))
  return report.findings.some(({ verdict }) => verdict === 'problem') ? exitCodes.problemFound : exitCodes.ok
}

async function examined(io: CommandIo, config: Config, words: readonly string[]): Promise<DoctorReport> {
  return onProfile({
    config,
    signal: io.interrupted,
    running: async (parley) => runningExamination(parley, words, io.interrupted),
    own: async () =>
      withChatNode({
        config,
        interactive: false,
        observe: true,
        run: async (node) => node.examine({ words }, { signal: io.interrupted })
      }),
    say: (line) => writeLines(io.stderr, [`parley: ${line}`])
  })
}

/** Shows on a terminal that it goes on. */
async function shown<T>(io: CommandIo, work: Promise<T>): Promise<T> {
  const progress = new ProgressLine(io.stderr)
  const startedAtMs = performance.now()
  const timer = setInterval(() => {
    progress.show('Examining the network', performance.now() - startedAtMs, EXAMINED_WITHIN_MS)
  }, PROGRESS_EVERY_MS)
  try {
    return await work
  } finally {
    clearInterval(timer)
    progress.end()
  }
}
