// `parley browse`, `parley get` and `parley find`: what others share, fetched and found; through the parley that runs on the
// profile, else by a node of its own for as long as that takes.
import type { Command } from 'commander'
import { type Json, jsonList, onAbort } from '../../lib/index.ts'
import { type ExitCode, exitCodes, loadConfig, type Unlocker, UsageError } from '../../node/settings.ts'
import type { TransferView } from '../chat-api/chat-api.ts'
import { findPeer } from '../chat-api/find-peer.ts'
import { findCommand } from '../chat-commands/chat-commands.ts'
import { contactNames, onProfile, readFolder, readFound, readReport, readTransfer, wordsOf } from '../control/index.ts'
import { resultJson } from '../json/answer-json.ts'
import { searchNewsJson, transferJson } from '../json/event-json.ts'
import { flagsOf, hasSwitch } from '../options/given-options.ts'
import { escapedJson } from '../process/clean-text.ts'
import { type CommandIo, writeLines } from '../process/io.ts'
import { ProgressLine } from '../process/progress-line.ts'
import { quotedWord } from '../process/quoted-words.ts'
import { unlockerOf } from '../process/unlocking.ts'
import { fetchingText, remoteFolderLines, searchesLine, searchLines, searchNewsText } from '../wording/share-wording.ts'
import { transferNewsText } from '../wording/transfer-wording.ts'
import { withChatNode } from './with-chat-node.ts'

/** A folder of many files at a slow peer, or a search of many contacts that do not answer. */
const ANSWER_MS = 60_000

/** A node that is asked in JSON, in this process or in another one. */
interface AskedNode {
  ask(command: { readonly do: string; readonly peer?: readonly string[]; readonly text: string }): Promise<Json>
  onEvent(listener: (event: Json) => void): () => void
  labelOf(peer: string): string
  /** Aborts when it is gone. */
  readonly gone: AbortSignal
  /** It goes on when this command ends. */
  readonly isOther: boolean
}

export async function runBrowse(io: CommandIo, command: Command): Promise<ExitCode> {
  const [peer = '', path = ''] = command.args
  return onNode(io, command, async (node, asJson) => {
    const json = await node.ask({ do: 'browse', peer: [peer], text: quotedWord(path) })
    if (asJson) writeLines(io.stdout, [escapedJson({ event: 'folder', ...fieldsOf(json) })])
    else writeLines(io.stdout, remoteFolderLines(readFolder(json, (one) => node.labelOf(one))))
    return exitCodes.ok
  })
}

export async function runFind(io: CommandIo, command: Command): Promise<ExitCode> {
  const words = command.args.join(' ')
  return onNode(io, command, async (node, asJson) => {
    const labelOf = (one: string): string => node.labelOf(one)
    if (hasSwitch(command, 'wait')) return standing(io, node, words, asJson)
    const json = await node.ask({ do: 'find', text: words })
    if (asJson) writeLines(io.stdout, [escapedJson({ event: 'files-found', ...fieldsOf(json) })])
    else writeLines(io.stdout, searchLines(readReport(json, labelOf), 'parley get'))
    return exitCodes.ok
  })
}

/** Until Ctrl-C. */
async function standing(io: CommandIo, node: AskedNode, words: string, asJson: boolean): Promise<ExitCode> {
  const sought = words.split(/\s+/u).filter((word) => word !== '')
  const end = node.onEvent((json) => {
    if (json['event'] !== 'found' || wordsOf(json['words']).join(' ') !== sought.join(' ')) return
    const files = readFound(json['files'], (one) => node.labelOf(one))
    writeLines(io.stdout, [asJson ? escapedJson(json) : searchNewsText({ words: sought, files })])
  })
  try {
    const { searches } = await node.ask({ do: 'find', text: `--wait ${words}` })
    if (!asJson && Array.isArray(searches))
      writeLines(io.stderr, [`parley: ${searchesLine([sought], 'Ctrl-C ends it')}`])
    await aborted(AbortSignal.any([io.interrupted, node.gone]))
    if (!node.gone.aborted) await node.ask({ do: 'find', text: `--end ${words}` })
    return exitCodes.ok
  } finally {
    end()
  }
}

export async function runGet(io: CommandIo, command: Command): Promise<ExitCode> {
  const [peer = '', ...paths] = command.args
  return onNode(io, command, async (node, asJson) => {
    const waiting = new Arrivals(io, node, asJson)
    try {
      const json = await node.ask({ do: 'fetch', peer: [peer], text: paths.map(quotedWord).join(' ') })
      const transfers = jsonList(json['transfers']).flatMap((one) => readTransfer(one, (id) => node.labelOf(id)) ?? [])
      if (!asJson) writeLines(io.stderr, [`parley: ${fetchingText(transfers)}`])
      return await waiting.until(transfers)
    } finally {
      waiting.end()
    }
  })
}

/** Follows files until all of them are here, or have failed. */
class Arrivals {
  readonly #io: CommandIo
  readonly #node: AskedNode
  readonly #asJson: boolean
  readonly #line: ProgressLine
  readonly #states = new Map<number, TransferView>()
  readonly #over = Promise.withResolvers<void>()
  readonly #unlisten: () => void
  /** News that came before it was known which files are meant. */
  #early: Json[] | undefined = []
  #failed = 0

  constructor(io: CommandIo, node: AskedNode, asJson: boolean) {
    this.#io = io
    this.#node = node
    this.#asJson = asJson
    this.#line = new ProgressLine(io.stderr)
    this.#unlisten = node.onEvent((json) => {
      if (json['event'] !== 'transfer') return
      if (this.#early === undefined) this.#take(json)
      else this.#early.push(json)
    })
  }

  async until(transfers: readonly TransferView[]): Promise<ExitCode> {
    for (const one of transfers) {
      if (one.state === 'done') this.#say({ what: 'done', transfer: one })
      else this.#states.set(one.number, one)
    }
    const early = this.#early ?? []
    this.#early = undefined
    for (const json of early) this.#take(json)
    this.#look()
    await Promise.race([this.#over.promise, aborted(AbortSignal.any([this.#io.interrupted, this.#node.gone]))])
    if (this.#states.size === 0) return this.#failed === 0 ? exitCodes.ok : exitCodes.unreachable
    if (this.#io.interrupted.aborted) {
      if (this.#node.isOther) writeLines(this.#io.stderr, ['parley: it goes on in the parley that runs: /transfers'])
      throw this.#io.interrupted.reason
    }
    throw new UsageError('the parley that fetched it has ended: it goes on when it runs again')
  }

  end(): void {
    this.#unlisten()
    this.#line.end()
  }

  #take(json: Json): void {
    const transfer = readTransfer(json, (peer) => this.#node.labelOf(peer))
    const what = json['what']
    if (transfer === undefined || !this.#states.has(transfer.number)) return
    this.#states.set(transfer.number, transfer)
    if (what === 'done' || what === 'failed' || what === 'declined') {
      this.#states.delete(transfer.number)
      if (what !== 'done') this.#failed++
      this.#line.end()
      this.#say({ what, transfer })
    } else if (this.#asJson) writeLines(this.#io.stdout, [escapedJson(json)])
    this.#look()
  }

  #say(news: { readonly what: 'done' | 'failed' | 'declined'; readonly transfer: TransferView }): void {
    const text = this.#asJson
      ? escapedJson({ event: 'transfer', what: news.what, ...transferJson(news.transfer) })
      : transferNewsText(news)
    if (text !== undefined) writeLines(this.#io.stdout, [text])
  }

  #look(): void {
    if (this.#states.size === 0) return this.#over.resolve()
    const all = [...this.#states.values()]
    const [done, total] = all.reduce(([d, t], one) => [d + one.doneBytes, t + one.sizeBytes], [0, 0])
    if (!this.#asJson) this.#line.show(`Fetching ${all.length} of the files`, done ?? 0, total ?? 0)
  }
}

async function onNode(
  io: CommandIo,
  command: Command,
  use: (node: AskedNode, asJson: boolean) => Promise<ExitCode>
): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const unlock: Unlocker = await unlockerOf({ io, command })
  const asJson = hasSwitch(command, 'json')
  return onProfile({
    config,
    signal: io.interrupted,
    running: async (parley) => {
      const node: AskedNode = {
        ask: async (asked) => parley.ask(asked, { timeoutMs: ANSWER_MS, signal: io.interrupted }),
        onEvent: (listener) => parley.onEvent(listener),
        labelOf: await contactNames(parley),
        gone: parley.ended,
        isOther: true
      }
      return use(node, asJson)
    },
    own: async () =>
      withChatNode({
        config,
        interactive: false,
        command: command.name(),
        unlock,
        run: async (node) => {
          await node.peers.firstLook({ signal: io.interrupted, thorough: true })
          return use(ownNode(node, io.interrupted), asJson)
        }
      }),
    say: (line) => writeLines(io.stderr, [`parley: ${line}`])
  })
}

function ownNode(node: Parameters<Parameters<typeof withChatNode>[0]['run']>[0], signal: AbortSignal): AskedNode {
  return {
    ask: async (asked) => {
      const resolve = async (words: readonly string[]) => findPeer(node, words, { signal })
      const { peer, text } = asked
      const run = findCommand(asked.do)
      if (run === undefined) throw new TypeError(`there is no command ${asked.do}`)
      const context = { node, current: undefined, resolve }
      return resultJson(await run.run(context, { ...(peer === undefined ? {} : { peer }), text }))
    },
    onEvent: (listener) => {
      const over = new AbortController()
      const { events } = node
      const onTransfer = ({ detail }: { detail: { what: string; transfer: TransferView } }): void =>
        listener({ event: 'transfer', what: detail.what, ...transferJson(detail.transfer) })
      events.addEventListener('transfer', onTransfer, { signal: over.signal })
      events.addEventListener('found', ({ detail }) => listener({ event: 'found', ...searchNewsJson(detail) }), {
        signal: over.signal
      })
      return () => over.abort()
    },
    labelOf: (peer) => node.peers.label(peer),
    gone: new AbortController().signal,
    isOther: false
  }
}

/** Without what belongs to the line of the answer. */
function fieldsOf({ event: _event, do: _do, tag: _tag, ...fields }: Json): Json {
  return fields
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  onAbort(signal, resolve)
  await promise
}
