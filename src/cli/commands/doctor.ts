// `parley doctor [PEER]`: what keeps this machine from others, or a peer from it. It
// asks the parley that runs on the profile; without one it looks from a node that nobody
// sees.
import type { Command } from 'commander'
import { onProfile, runningExamination } from '../control/index.ts'
import { doctorJson } from '../json/answer-json.ts'
import { flagsOf, hasSwitch } from '../options/given-options.ts'
import { escapedJson } from '../process/clean-text.ts'
import { type CommandIo, writeLines } from '../process/io.ts'
import { PERCENTAGE_EVERY_MS, ProgressLine } from '../process/progress-line.ts'
import { doctorLines } from '../wording/doctor-wording.ts'
import {
  type Config,
  type DoctorReport,
  type ExitCode,
  exitCodes,
  KeyLockedError,
  loadConfig,
  withProfileDefaults
} from '../../node/settings.ts'
import { withChatNode } from './with-chat-node.ts'

/** An examination takes as long as the slowest answer that it waits for, and no longer than this with the start. */
const EXAMINED_WITHIN_MS = 8_000

/** What is left of that for printing. */
const PRINTING_MS = 500

export async function runDoctor(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const asJson = hasSwitch(command, 'json')
  const progress = new ExaminationProgress(io)
  const show = (report: DoctorReport): void => {
    progress.end()
    if (asJson) writeLines(io.stdout, [escapedJson({ event: 'examined', ...doctorJson(report) })])
    else writeLines(io.stdout, doctorLines(report))
  }
  const report = await examined(io, { config, words: command.args, show }).finally(() => progress.end())
  return report.findings.some(({ verdict }) => verdict === 'problem') ? exitCodes.problemFound : exitCodes.ok
}

interface Examination {
  readonly config: Config
  readonly words: readonly string[]
  /** Called before the node that looked is stopped, which takes a moment. */
  readonly show: (report: DoctorReport) => void
}

async function examined(io: CommandIo, { config, words, show }: Examination): Promise<DoctorReport> {
  const shown = async (report: Promise<DoctorReport>): Promise<DoctorReport> => {
    show(await report)
    return report
  }
  const own = async (): Promise<DoctorReport> =>
    withChatNode({
      // With the port of the profile: what keeps others from it is to be found.
      config: await withProfileDefaults(config),
      interactive: false,
      observe: true,
      run: async (node) => {
        // The clock begins with the process: on a busy machine the start takes its part.
        const withinMs = EXAMINED_WITHIN_MS - PRINTING_MS - performance.now()
        return shown(node.examine({ words }, { withinMs, signal: io.interrupted }))
      }
    })
  try {
    return await onProfile({
      config,
      signal: io.interrupted,
      running: async (parley) => shown(runningExamination(parley, words, io.interrupted)),
      own,
      say: (line) => writeLines(io.stderr, [`parley: ${line}`])
    })
  } catch (error) {
    // One that waits for its passphrase is on no network yet.
    if (error instanceof KeyLockedError) return own()
    throw error
  }
}

/** Shows on a terminal that it goes on. */
class ExaminationProgress {
  readonly #line: ProgressLine
  readonly #timer: NodeJS.Timeout
  readonly #startedAtMs = performance.now()

  constructor({ stderr }: CommandIo) {
    this.#line = new ProgressLine(stderr)
    this.#timer = setInterval(() => {
      this.#line.show('Examining the network', performance.now() - this.#startedAtMs, EXAMINED_WITHIN_MS)
    }, PERCENTAGE_EVERY_MS)
  }

  /** Takes the line away; again, it does nothing. */
  end(): void {
    clearInterval(this.#timer)
    this.#line.end()
  }
}
