// `parley send PEER TEXT`: one message, and an exit code that says what became of it.
// It ends in bounded time, delivered or not, and says what it is doing while it
// takes long; a message not delivered by then waits in the outbox unless --no-queue is given.
import type { Command } from 'commander'
import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { abortAfter, decodedText } from '../../lib/index.ts'
import {
  type ExitCode,
  exitCodes,
  loadConfig,
  ParleyError,
  PeerNotFoundError,
  type Unlocker,
  UsageError
} from '../../node/settings.ts'
import type { ChatApi, ChatNodeEvents, OutgoingMessage, PeerTarget } from '../chat-api/chat-api.ts'
import { findPeer } from '../chat-api/find-peer.ts'
import { SETTLE_AT_END_MS } from '../chat-api/settling.ts'
import { MAX_SEND_WAIT_SECONDS } from '../chat-commands/chat-command.ts'
import { type SendingNode, sendOnProfile, type Sent } from '../control/index.ts'
import { escapedJson } from '../process/clean-text.ts'
import { type CommandIo, sayMended, writeLines } from '../process/io.ts'
import { WORTH_A_WORD_MS } from '../process/progress-line.ts'
import { unlockerOf } from '../process/unlocking.ts'
import { noDirectoryText } from '../wording/directory-wording.ts'
import { deliveryWord } from '../wording/message-wording.ts'
import { flagsOf, hasSwitch, textOption } from '../options/given-options.ts'
import { DEFAULT_SEND_WAIT_SECONDS } from '../options/option-table.ts'
import { withChatNode } from './with-chat-node.ts'

/** `parley send PEER -` reads no more than this; the node says what the limit of a text is. */
const MAX_TEXT_INPUT_BYTES = 1024 * 1024

/** Of the id of a message, which `parley send` chooses: chance enough that no two are ever the same. */
const CHOSEN_ID_BYTES = 16

export async function runSend(io: CommandIo, command: Command): Promise<ExitCode> {
  const [peer = '', ...words] = command.args
  const waitSeconds = readWait(textOption(command, 'wait'))
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const unlock: Unlocker = await unlockerOf({ io, command })
  const text = words.length === 1 && words[0] === '-' ? await readText(io.stdin) : words.join(' ')
  if (text.trim() === '') throw new UsageError('there is no text to send: give it after PEER, or - and standard input')
  const mayQueue = hasSwitch(command, 'queue')
  const trustName = hasSwitch(command, 'trustName')
  const signal = io.interrupted
  const asJson = hasSwitch(command, 'json')
  const say = (line: string): void => {
    if (!asJson) writeLines(io.stderr, [`parley: ${line}`])
  }
  const stages = new SendStages(say)
  let untilMs: number | undefined
  const finish = async (node: SendingNode, { target, message: sent }: Sent): Promise<ExitCode> => {
    untilMs ??= Date.now() + waitSeconds * 1000
    const stageNow = (): SendStage => (node.peers.look(target.peer).state.name === 'open' ? 'receipt' : 'connecting')
    const waited = await stages.watch(target.name, stageNow, waitFor(node, sent, untilMs, signal))
    const why = whyNot(node, target.peer)
    const message = mayQueue ? waited.message : await withdrawn(node, waited.message)
    if (waited.message.state === 'pending' && signal.aborted) throw signal.reason
    const fate = fateOf(waited.message, message)
    const { refusal } = waited
    return report(io, { target, message, fate, refusal, why, waitSeconds, asJson })
  }
  const looking = async <T>(work: Promise<T>): Promise<T> => stages.watch(peer, () => 'looking', work)
  // Chosen here, so that a message which a parley has stored before it was killed is found again and not sent twice.
  const id = randomBytes(CHOSEN_ID_BYTES).toString('hex')
  const sendFrom = async (node: ChatApi): Promise<Sent> => {
    const target = await looking(recipient(node, peer, { trustName, mayQueue, signal })).catch((error: unknown) => {
      if (!(error instanceof PeerNotFoundError)) throw error
      const hint = noDirectoryText(node.snapshot().directories, config.settings.mdns)
      throw hint === undefined ? error : new PeerNotFoundError(`${error.message}. ${hint}`, { cause: error })
    })
    return { target, message: await node.messaging.send(target.peer, text, { id }) }
  }
  const own = async (sent: Sent | undefined): Promise<ExitCode> =>
    withChatNode({
      config,
      interactive: false,
      command: command.name(),
      unlock,
      prepare: (node) => {
        node.events.addEventListener('notice', ({ detail }) => {
          if (detail.code === 'exposed-key') sayMended(io, [`WARNING: ${detail.text}`])
          if (detail.code === 'file-modes') sayMended(io, [detail.text])
          if (detail.code === 'met') say(detail.text)
        })
      },
      run: async (node) => {
        if (sent === undefined) return finish(node, await sendFrom(node))
        // Another parley has ended before it could; this node does not know the address yet.
        await node.peers.resolve([peer], { trustName, signal }).catch(() => undefined)
        return finish(node, sent)
      }
    })
  return sendOnProfile({ config, signal, words: [peer], text, id, trustName, own, looking, finish, say })
}

/**
 * The peer that PEER names. If its ID is in the address, it need not be online: a message waits for it.
 *
 * @throws ParleyError
 */
async function recipient(
  node: ChatApi,
  peer: string,
  options: { readonly trustName: boolean; readonly mayQueue: boolean; readonly signal: AbortSignal }
): Promise<PeerTarget> {
  const { trustName, mayQueue, signal } = options
  try {
    return await findPeer(node, [peer], { trustName, refuseChangedKey: true, signal })
  } catch (error) {
    const isAway = error instanceof ParleyError && error.exitCode === exitCodes.unreachable
    if (!isAway || !mayQueue || !peer.includes('/p2p/')) throw error
    return node.peers.resolve([peer], { trustName, signal })
  }
}

/** `queued`: it waits in the outbox; `withdrawn`: it was taken out of it; else its state says all. */
type SendFate = 'settled' | 'queued' | 'withdrawn'

function fateOf(waited: OutgoingMessage, message: OutgoingMessage): SendFate {
  if (message.state === 'pending') return 'queued'
  return waited.state === 'pending' && message.state === 'failed' ? 'withdrawn' : 'settled'
}

/** Takes a message that still waits out of the outbox; a receipt that was faster counts. */
async function withdrawn(node: SendingNode, message: OutgoingMessage): Promise<OutgoingMessage> {
  if (message.state !== 'pending') return message
  await node.messaging.cancel(message.peer, [message.id])
  return node.messaging.settled(message, { signal: AbortSignal.timeout(SETTLE_AT_END_MS) })
}

interface Outcome {
  readonly message: OutgoingMessage
  /** Why the other side did not take it, in words that follow its name. */
  readonly refusal: string | undefined
}

async function waitFor(
  node: SendingNode,
  message: OutgoingMessage,
  untilMs: number,
  interrupted: AbortSignal
): Promise<Outcome> {
  const refused = new AbortController()
  const signal = AbortSignal.any([interrupted, refused.signal, abortAfter(untilMs - Date.now())])
  let refusal: string | undefined
  const onRefused = ({ detail }: ChatNodeEvents['refused']): void => {
    if (detail.peer !== message.peer) return
    refusal = detail.reason
    // The next try would come too late for this command.
    if (Date.now() + detail.retryAfterMs > untilMs) refused.abort()
  }
  node.events.addEventListener('refused', onRefused)
  try {
    return { message: await node.messaging.settled(message, { signal }), refusal: undefined }
  } catch (error) {
    if (signal.aborted) return { message, refusal }
    throw error
  } finally {
    node.events.removeEventListener('refused', onRefused)
  }
}

interface SendReport {
  readonly target: Pick<PeerTarget, 'peer' | 'name' | 'shortId'>
  readonly message: OutgoingMessage
  readonly fate: SendFate
  /** Why the other side did not take it, in words that follow its name. */
  readonly refusal: string | undefined
  /** Why there is no way to the peer, when that is known. */
  readonly why: string | undefined
  readonly waitSeconds: number
  readonly asJson: boolean
}

/** Says what became of the message, and returns the exit code that says the same. */
function report(io: CommandIo, sent: SendReport): ExitCode {
  const { target, message, fate, asJson } = sent
  const exitCode = exitCodeOf(sent)
  const { peer, name, shortId } = target
  const { id, state, reason } = message
  if (asJson) {
    const why = sent.refusal ?? reason ?? (fate === 'queued' ? sent.why : undefined) ?? null
    const queued = fate === 'queued'
    writeLines(io.stdout, [
      escapedJson({ event: 'sent', peer, name, shortId, id, state, queued, reason: why, exitCode })
    ])
    return exitCode
  }
  const who = `${name} (${shortId})`
  if (state === 'delivered') writeLines(io.stdout, [`Delivered to ${who}.`])
  else writeLines(io.stderr, [`parley: ${who}: ${fateText(sent)}`])
  return exitCode
}

function fateText({ target, message, fate, refusal, why, waitSeconds }: SendReport): string {
  if (fate === 'settled') return deliveryWord(message)
  const reason = refusal === undefined ? why : `it ${refusal}`
  const late = `not delivered within ${waitSeconds} s${reason === undefined ? '' : `: ${reason}`}`
  return fate === 'queued'
    ? `${late}. It is queued, and will be sent when ${target.name} is online while parley runs on this profile`
    : `${late}. It was dropped: --wait SECONDS waits longer; without --no-queue it is sent later`
}

function whyNot(node: SendingNode, peer: string): string | undefined {
  const state = node.peers.look(peer).state
  return state.name === 'waiting' ? state.why : undefined
}

function exitCodeOf({ message, fate, refusal }: SendReport): ExitCode {
  if (fate !== 'settled' && refusal !== undefined) return exitCodes.refused
  switch (message.state) {
    case 'delivered':
      return exitCodes.ok
    case 'held':
      return exitCodes.held
    case 'unconfirmed':
      return exitCodes.unconfirmed
    case 'failed':
      return fate === 'withdrawn' ? exitCodes.unreachable : exitCodes.refused
    case 'pending':
      return exitCodes.queued
  }
}

function readWait(value: string | undefined): number {
  if (value === undefined) return DEFAULT_SEND_WAIT_SECONDS
  const seconds = Number(value)
  if (value === '' || !(seconds >= 0 && seconds <= MAX_SEND_WAIT_SECONDS)) {
    throw new UsageError(`--wait ${value}: expected seconds, from 0 to ${MAX_SEND_WAIT_SECONDS}`)
  }
  return seconds
}

/** All of standard input, without the line break that ends it. */
async function readText(input: Readable): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > MAX_TEXT_INPUT_BYTES)
      throw new UsageError(`standard input has more than ${MAX_TEXT_INPUT_BYTES} bytes: send it in parts`)
    parts.push(bytes)
  }
  return decodedText(Buffer.concat(parts)).replace(/\r?\n$/u, '')
}

/** How often it looks at which stage it is. */
const SEND_STAGE_POLL_MS = 100

type SendStage = 'looking' | 'connecting' | 'receipt'

export class SendStages {
  readonly #say: (line: string) => void
  readonly #said = new Set<SendStage>()
  #stage: SendStage | undefined
  #sinceMs = 0

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** The stage at this time; undefined when there is nothing to wait for. */
  at(stage: SendStage | undefined, name: string, nowMs: number): void {
    if (stage !== this.#stage) {
      this.#stage = stage
      this.#sinceMs = nowMs
    }
    if (stage === undefined || this.#said.has(stage) || nowMs - this.#sinceMs < WORTH_A_WORD_MS) return
    this.#said.add(stage)
    this.#say(wordsOf(stage, name))
  }

  /** Asks for the stage again and again, as long as `work` takes. */
  async watch<T>(name: string, stageNow: () => SendStage | undefined, work: Promise<T>): Promise<T> {
    const look = (): void => this.at(stageNow(), name, performance.now())
    look()
    const timer = setInterval(look, SEND_STAGE_POLL_MS)
    try {
      return await work
    } finally {
      clearInterval(timer)
    }
  }
}

function wordsOf(stage: SendStage, name: string): string {
  switch (stage) {
    case 'looking':
      return `looking for ${name} …`
    case 'connecting':
      return `connecting to ${name} …`
    case 'receipt':
      return `waiting for the receipt from ${name} …`
  }
}
