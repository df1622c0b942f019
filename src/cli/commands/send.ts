// `parley send PEER TEXT`: one message, and an exit code that says what became
// of it. It ends in bounded time, delivered or not.
import type { Command } from 'commander'
import type { Readable } from 'node:stream'
import type { ChatApi, ChatNodeEvents, OutgoingMessage, PeerTarget } from '../chat-api.ts'
import { cleanText, escapedJson } from '../clean-text.ts'
import { defaultSendWaitSeconds, maxSendWaitSeconds, maxTextInputBytes } from '../constants.ts'
import { findPeer } from '../find-peer.ts'
import { writeLines, type CommandIo } from '../io.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { exitCodes, loadConfig, UsageError, type ExitCode } from '../../node/settings.ts'
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
  const text = words.length === 1 && words[0] === '-' ? await readText(io.stdin) : words.join(' ')
  if (text.trim() === '') throw new UsageError('there is no text to send: give it after PEER, or - and standard input')
  return withChatNode({
    config,
    interactive: false,
    run: async (node) => {
      const trustName = hasSwitch(command, 'trustName')
      const target = await findPeer(node, [peer], { trustName, refuseChangedKey: true, signal: io.interrupted })
      const sent = await node.send(target.peer, text)
      const { message, refusal } = await waitFor(node, sent, waitSeconds, io.interrupted)
      if (message.state === 'pending' && io.interrupted.aborted) throw io.interrupted.reason
      return report(io, { node, target, message, refusal, waitSeconds, asJson: hasSwitch(command, 'json') })
    }
  })
}

interface Outcome {
  readonly message: OutgoingMessage
  /** Why the other side did not take it, in words that follow its name. */
  readonly refusal: string | undefined
}

async function waitFor(
  node: ChatApi,
  message: OutgoingMessage,
  waitSeconds: number,
  interrupted: AbortSignal
): Promise<Outcome> {
  const refused = new AbortController()
  const signal = AbortSignal.any([interrupted, refused.signal, AbortSignal.timeout(waitSeconds * 1000)])
  const untilMs = Date.now() + waitSeconds * 1000
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

interface Report {
  readonly node: ChatApi
  readonly target: PeerTarget
  readonly message: OutgoingMessage
  readonly refusal: string | undefined
  readonly waitSeconds: number
  readonly asJson: boolean
}

function report(io: CommandIo, { node, target, message, refusal, waitSeconds, asJson }: Report): ExitCode {
  const exitCode = refusal === undefined ? exitCodeOf(message) : exitCodes.refused
  const { peer, name, shortId } = target
  const { id, state, reason } = message
  if (asJson) {
    writeLines(io.stdout, [
      escapedJson({ event: 'sent', peer, name, shortId, id, state, reason: reason ?? refusal ?? null, exitCode })
    ])
    return exitCode
  }
  const who = cleanText(`${name} (${shortId})`)
  if (state === 'delivered') writeLines(io.stdout, [`Delivered to ${who}.`])
  else if (refusal !== undefined) writeLines(io.stderr, [`parley: not delivered: ${who} ${refusal}`])
  else
    writeLines(io.stderr, [
      `parley: ${who}: ${cleanText(state === 'pending' ? whyNot(node, peer, waitSeconds) : deliveryWord(message))}`
    ])
  return exitCode
}

function whyNot(node: ChatApi, peer: string, waitSeconds: number): string {
  const state = node.state(peer)
  const why = state.name === 'waiting' ? `: ${state.why}` : ''
  return `not delivered within ${waitSeconds} s${why}. --wait SECONDS waits longer`
}

function exitCodeOf({ state }: OutgoingMessage): ExitCode {
  switch (state) {
    case 'delivered':
      return exitCodes.ok
    case 'held':
      return exitCodes.held
    case 'unconfirmed':
      return exitCodes.unconfirmed
    case 'failed':
      return exitCodes.refused
    case 'pending':
      return exitCodes.unreachable
  }
}

function readWait(value: unknown): number {
  if (typeof value !== 'string') return defaultSendWaitSeconds
  const seconds = Number(value)
  if (value === '' || !(seconds >= 0 && seconds <= maxSendWaitSeconds)) {
    throw new UsageError(`--wait ${value}: expected seconds, from 0 to ${maxSendWaitSeconds}`)
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
    if (size > maxTextInputBytes)
      throw new UsageError(`standard input has more than ${maxTextInputBytes} bytes: send it in parts`)
    parts.push(bytes)
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/u, '')
}
