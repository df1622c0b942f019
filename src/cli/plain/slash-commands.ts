// Runs what was typed after a slash: finds the command, asks before
// irreversible acts, and prints the result. Its caller decides where the
// screen goes next.
import type { ChatApi, PeerTarget } from '../chat-api/chat-api.ts'
import type { CommandContext, CommandResult, ReadRequests } from '../chat-commands/chat-command.ts'
import { findCommand, noCommandText } from '../chat-commands/chat-commands.ts'
import { argumentsFromLine } from '../chat-commands/command-arguments.ts'
import type { SlashCommand } from '../chat-commands/input-line.ts'
import type { RosterNumbers } from '../chat-commands/named-peer.ts'
import { repeatQuestion, resultLines } from '../chat-commands/result-lines.ts'
import type { News } from './news.ts'
import type { Operation, PlainTerminal } from './terminal.ts'
import type { Sending } from './own-messages.ts'

export interface SlashCommandsInit {
  readonly node: ChatApi
  readonly terminal: PlainTerminal
  readonly numbers: RosterNumbers
  readonly news: News
  readonly operation: Operation
  readonly sending: Sending
  readonly readRequests: ReadRequests
  readonly resolve: (words: readonly string[], signal: AbortSignal) => Promise<PeerTarget>
}

/** A conversation is to be opened with the peer that these words name. */
interface Choice {
  readonly is: 'choice'
  readonly words: readonly string[]
}

export class SlashCommands {
  readonly #init: SlashCommandsInit
  /** The act that was asked about, when that was the command before. */
  #asked: string | undefined

  constructor(init: SlashCommandsInit) {
    this.#init = init
  }

  /**
   * Returns the result, which has been printed; undefined when nothing was done.
   *
   * @throws CommandUsageError, and what the node throws
   */
  async run(
    { name, rest }: SlashCommand,
    shown: Pick<CommandContext, 'current' | 'shownFrom'>
  ): Promise<CommandResult | Choice | undefined> {
    const { node, terminal, operation, sending, resolve, readRequests, news } = this.#init
    const command = findCommand(name)
    if (command === undefined) {
      terminal.say([noCommandText(name)])
      return undefined
    }
    const args = argumentsFromLine(command, rest)
    const person = { readRequests, agreed: this.#asked }
    this.#asked = undefined
    if (command.name === 'chat') return { is: 'choice', words: args.peer ?? [] }
    const run = async (): Promise<CommandResult> =>
      sending.marked(async () =>
        operation.run('looking', async (signal) =>
          command.run({ node, ...shown, person, resolve: async (words) => resolve(words, signal) }, args)
        )
      )
    const result = await (command.name === 'forget' ? news.forgetting(run) : run())
    if (result.is === 'question') {
      this.#asked = result.act
      terminal.say([repeatQuestion(result.text, `${command.name} ${rest}`)])
    } else this.print(result)
    return result
  }

  /** Prints a result as that of a command. */
  print(result: CommandResult): void {
    const { node, terminal, numbers, news } = this.#init
    const context = {
      nowMs: Date.now(),
      numberOf: (peer: string) => numbers.of(peer),
      labelOf: (peer: string) => node.peers.look(peer).label,
      rosterLines: news.rosterLines.bind(news),
      fold: terminal.fold
    }
    const lines = resultLines(result, context)
    if (isQuoting(result)) terminal.print(lines)
    else terminal.say(lines)
  }
}

/** Whether it holds others' words, addresses or a table: the terminal wraps those. */
function isQuoting({ is }: CommandResult): boolean {
  switch (is) {
    case 'roster':
    case 'accepted':
    case 'request':
    case 'requests':
    case 'contacts':
    case 'blocked peers':
    case 'identity':
    case 'invitation':
    case 'transfers':
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
