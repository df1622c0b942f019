// `parley send PEER TEXT`: one message, and an exit code that says what became
// of it. It ends in bounded time, delivered or not; what is not delivered by then
// waits in the outbox unless it was told not to.
import type { Command } from 'commander'
import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { ChatApi, ChatNodeEvents, OutgoingMessage, PeerTarget } from '../chat-api.ts'
import { escapedJson } from '../clean-text.ts'
import {
  DEFAULT_SEND_WAIT_SECONDS,
  MESSAGE_ID_BYTES,
  MAX_SEND_WAIT_SECONDS,
  MAX_TEXT_INPUT_BYTES,
  SETTLE_AT_END_MS
} from '../constants.ts'
import { sendOnProfile, type SendingNode, type Sent } from '../control/index.ts'
import { findPeer } from '../find-peer.ts'
import { sayMended, writeLines, type CommandIo } from '../io.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { exitCodes, loadConfig, ParleyError, UsageError, type ExitCode, type Unlocker } from '../../node/settings.ts'
import { SendStages, type SendStage } from '../send-stages.ts'
import { unlockerOf } from '../unlocking.ts'
import { withChatNode } from '../with-chat-node.ts'
import { deliveryWord } from '../wording.ts'

export async function runSend(
  io: CommandIo,
  command: Command,
  peer: string,
  words: readonly string[]
): Promise<ExitCode> {
  const waitSeconds = readWait(command.getOptionValue('wait'))
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const unlock: Unlocker = await unlockerOf({ io, command })
  const text = words.length === 1 && words[0] === '-' ? await readText(io.stdin) : words.join(' ')
  if (text.trim() === '') throw new UsageError('there is no text to send: give it after PEER, or - and standard input')
  const mayQueue = command.getOptionValue('queue') !== false
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
    const stageNow = (): SendStage => (node.state(target.peer).name === 'open' ? 'receipt' : 'connecting')
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
  const id = randomBytes(MESSAGE_ID_BYTES).toString('hex')
  const sendFrom = async (node: ChatApi): Promise<Sent> => {
    const target = await looking(recipient(node, peer, { trustName, mayQueue, signal }))
    return { target, message: await node.send(target.peer, text, { id }) }
  }
  const own = async (sent: Sent | undefined): Promise<ExitCode> =>
    withChatNode({
      config,
      interactive: false,
      unlock,
      prepare: (node) => {
        node.addEventListener('notice', ({ detail }) => {
          if (detail.code === 'exposed-key') sayMended(io, [`WARNING: ${detail.text}`])
          if (detail.code === 'file-modes') sayMended(io, [detail.text])
        })
      },
      run: async (node) => {
        if (sent === undefined) return finish(node, await sendFrom(node))
        // Another parley has ended before it could; the address that it was told is new to this node.
        await node.resolve([peer], { trustName, signal }).catch(() => undefined)
        return finish(node, sent)
      }
    })
  return sendOnProfile({ config, signal, words: [peer], text, id, trustName, own, looking, finish, say })
}

/**
 * Whom PEER names. A peer whose ID is in its address need not be there for a message to wait for it.
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
    return node.resolve([peer], { trustName, signal })
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
  await node.cancel(message.peer, [message.id])
  return node.settled(message, { signal: AbortSignal.timeout(SETTLE_AT_END_MS) })
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
  const signal = AbortSignal.any([interrupted, refused.signal, AbortSignal.timeout(Math.max(0, untilMs - Date.now()))])
  let refusal: string | undefined
  const onRefused = ({ detail }: ChatNodeEvents['refused']): void => {
    if (detail.peer !== message.peer) return
    refusal = detail.reason
    // The next try would come too late for this command.
    if (Date.now() + detail.retryAfterMs > untilMs) refused.abort()
  }
  node.addEventListener('refused', onRefused)
  try {
    return { message: await node.settled(message, { signal }), refusal: undefined }
  } catch (error) {
    if (signal.aborted) return { message, refusal }
    throw error
  } finally {
    node.removeEventListener('refused', onRefused)
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
    ? `${late}. It is queued, and goes out when ${target.name} is seen while parley runs on this profile`
    : `${late}. It was not kept: --wait SECONDS waits longer, and without --no-queue it goes out later`
}

function whyNot(node: SendingNode, peer: string): string | undefined {
  const state = node.state(peer)
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

function readWait(value: unknown): number {
  if (typeof value !== 'string') return DEFAULT_SEND_WAIT_SECONDS
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
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/u, '')
}
