// Carries out what was typed after a slash: finds the command, asks twice before
// what can't be taken back, and prints what came of it. Where the screen goes
// next is for whoever asked.
import type { ChatApi, PeerTarget } from '../chat-api.ts'
import type { CommandContext, CommandResult } from '../chat-command.ts'
import { findCommand } from '../chat-commands.ts'
import { argumentsFromLine } from '../command-arguments.ts'
import type { SlashCommand } from '../input-line.ts'
import type { RosterNumbers } from '../roster-numbers.ts'
import { repeatQuestion } from '../wording.ts'
import type { News } from './news.ts'
import type { Operation } from './operation.ts'
import { resultLines } from './result-lines.ts'
import type { Sending } from './sending.ts'
import type { PlainTerminal } from './terminal.ts'

export interface SlashCommandsInit {
  readonly node: ChatApi
  readonly terminal: PlainTerminal
  readonly numbers: RosterNumbers
  readonly news: News
  readonly operation: Operation
  readonly sending: Sending
  readonly resolve: (words: readonly string[], signal: AbortSignal) => Promise<PeerTarget>
}

/** A conversation is to be opened with whom these words name. */
interface Choice {
  readonly is: 'choice'
  readonly words: readonly string[]
}

export class SlashCommands {
  readonly #init: SlashCommandsInit
  /** What was asked about, when that was the command before. */
  #asked: string | undefined

  constructor(init: SlashCommandsInit) {
    this.#init = init
  }

  /**
   * Returns what came of it, which has been printed; nothing when nothing was done.
   *
   * @throws CommandUsageError, and what the node throws
   */
  async run(
    { name, rest }: SlashCommand,
    shown: Pick<CommandContext, 'current' | 'shownFrom'>
  ): Promise<CommandResult | Choice | undefined> {
    const { node, terminal, operation, sending, resolve } = this.#init
    const command = findCommand(name)
    if (command === undefined) {
      terminal.say([`There is no command /${name}: /help lists them. // sends a text that begins with /.`])
      return undefined
    }
    const args = argumentsFromLine(command, rest)
    const question = command.question?.(rest)
    const asking = `${command.name} ${rest}`
    if (question !== undefined && this.#asked !== asking) {
      this.#asked = asking
      terminal.say([repeatQuestion(question, asking)])
      return undefined
    }
    this.#asked = undefined
    if (command.name === 'chat') return { is: 'choice', words: args.peer ?? [] }
    const result = await sending.marked(async () =>
      operation.run('looking', async (signal) =>
        command.run({ node, ...shown, resolve: async (words) => resolve(words, signal) }, args)
      )
    )
    this.#print(result)
    return result
  }

  #print(result: CommandResult): void {
    const { terminal, numbers, news } = this.#init
    const context = {
      nowMs: Date.now(),
      numberOf: (peer: string) => numbers.of(peer),
      rosterLines: news.rosterLines.bind(news),
      fold: terminal.fold
    }
    const lines = resultLines(result, context)
    if (isQuoting(result)) terminal.print(lines)
    else terminal.say(lines)
  }
}

/** Whether others' words, addresses or a table are in it: these are for the terminal to wrap. */
function isQuoting({ is }: CommandResult): boolean {
  switch (is) {
    case 'roster':
    case 'accepted':
    case 'requests':
    case 'contacts':
    case 'blocked peers':
    case 'identity':
    case 'history':
    case 'message text':
    case 'messages':
    case 'found':
    case 'conversations':
      return true
    default:
      return false
  }
}
