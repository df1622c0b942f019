// `parley log`, `parley search`, `parley export` and `parley forget`: the history of
// a profile, read or deleted without going on the network, through the parley that
// runs on it, else on the profile itself. A long list reaches its reader no faster
// than it reads.
import type { Command } from 'commander'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { folded } from '../../lib/index.ts'
import { type Config, type ExitCode, exitCodes, loadConfig, shortId, UsageError } from '../../node/settings.ts'
import type { HistoryEntry } from '../chat-api/chat-api.ts'
import { whoText } from '../chat-commands/named-peer.ts'
import { onProfile, runningHistory } from '../control/index.ts'
import type { HistorySource } from '../control/running-profile.ts'
import { entryJson } from '../json/event-json.ts'
import { cleanText, escapedJson } from '../process/clean-text.ts'
import { canAsk, isConfirmed } from '../process/input-lines.ts'
import { type CommandIo, sayMended, writeLines } from '../process/io.ts'
import { ProgressLine } from '../process/progress-line.ts'
import { markedEntryLines } from '../wording/message-wording.ts'
import { parseSince, parseUntil } from '../wording/time-span.ts'
import { flagsOf, hasSwitch, textOption } from '../options/given-options.ts'
import { DEFAULT_LISTED_MESSAGES } from '../options/option-table.ts'

/**
 * The most that one of them lists: they are held in memory until they are written, `parley export` holds no more than a
 * batch.
 */
const MAX_LISTED_MESSAGES = 10_000

export async function runLog(io: CommandIo, command: Command): Promise<ExitCode> {
  const limit = readLimit(command)
  const nowMs = Date.now()
  const since = textOption(command, 'since')
  const until = textOption(command, 'until')
  const span = {
    ...(since === undefined ? {} : { sinceMs: parseSince(since, nowMs) }),
    ...(until === undefined ? {} : { untilMs: parseUntil(until, nowMs) })
  }
  return inHistory(io, command, async (source, format) => {
    const peer = await source.resolve(command.args)
    // One more than is shown, to know whether there are more.
    const found = await source.history.log({ peer, ...span, limit: limit + 1 })
    const shown = found.slice(-limit)
    await writeEntries(io.stdout, shown, format, io.interrupted)
    if (found.length > shown.length) sayMore(io, `there are earlier messages`)
    if (found.length === 0)
      sayNone(io, `no messages with ${source.name(peer)}${(since ?? until) ? ' in that time' : ''}`)
  })
}

export async function runSearch(io: CommandIo, command: Command): Promise<ExitCode> {
  const limit = readLimit(command)
  const words = command.args.join(' ')
  if (words.trim() === '') throw new UsageError('parley search needs a word to look for: parley search WORDS')
  return inHistory(io, command, async (source, format) => {
    const peer = await peerOption(source, command)
    const progress = new ProgressLine(io.stderr)
    const onIndexing = ({ done, total }: { readonly done: number; readonly total: number }): void =>
      progress.show('Indexing the history', done, total)
    const found = await source.history.search(words, { ...peer, limit: limit + 1, onIndexing })
    progress.end()
    const shown = found.slice(0, limit)
    await writeEntries(io.stdout, shown, format, io.interrupted)
    if (found.length > shown.length) sayMore(io, `there are older messages with these words`)
    if (found.length === 0) sayNone(io, `no message contains ${JSON.stringify(words)}`)
  })
}

export async function runExport(io: CommandIo, command: Command): Promise<ExitCode> {
  if (hasSwitch(command, 'json') && hasSwitch(command, 'text')) {
    throw new UsageError('--json and --text exclude each other: choose one')
  }
  const after = readPosition(command)
  return inHistory(io, command, async (source, format) => {
    const peer = await peerOption(source, command)
    for await (const entries of source.history.export({ ...peer, ...after })) {
      await writeEntries(io.stdout, entries, format, io.interrupted)
    }
  })
}

export async function runForget(io: CommandIo, command: Command): Promise<ExitCode> {
  const isAgreed = hasSwitch(command, 'yes')
  if (!isAgreed && !canAsk(io)) {
    throw new UsageError('parley forget deletes for good: add --yes where no one can be asked')
  }
  return inHistory(io, command, async (source, { asJson }) => {
    const peer = await source.resolve(command.args, { certain: true })
    const name = source.name(peer)
    const who = whoText({ name, peer })
    const what = [
      `This deletes all messages with ${who} on this machine for good, those that wait to be sent too,`,
      'and the backups of the history that hold them.'
    ]
    if (!isAgreed && !(await isConfirmed(io, what))) {
      writeLines(io.stdout, ['Nothing was deleted.'])
      return
    }
    const count = await source.history.forget(peer)
    if (asJson) writeLines(io.stdout, [escapedJson({ event: 'forgotten', peer, name, count })])
    else writeLines(io.stdout, [`Deleted ${count === 1 ? 'one message' : `${count} messages`} with ${who}.`])
  })
}

async function inHistory(
  io: CommandIo,
  command: Command,
  use: (source: HistorySource, format: HistoryFormat) => Promise<void>
): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const asJson = hasSwitch(command, 'json')
  await withHistory(io, config, async (source) => {
    const name = asJson ? (peer: string): string => source.name(peer) : await distinctNames(source)
    await use(source, { asJson, name })
  })
  return exitCodes.ok
}

async function peerOption(source: HistorySource, command: Command): Promise<{ readonly peer?: string }> {
  const peer = textOption(command, 'peer')
  return peer === undefined ? {} : { peer: await source.resolve([peer]) }
}

export function readLimit(command: Command): number {
  const text = textOption(command, 'limit')
  if (text === undefined) return DEFAULT_LISTED_MESSAGES
  const limit = Number(text)
  if (!/^\d+$/u.test(text) || limit < 1 || limit > MAX_LISTED_MESSAGES) {
    throw new UsageError(
      `--limit ${text}: expected a number from 1 to ${MAX_LISTED_MESSAGES}; parley export prints all of the history`
    )
  }
  return limit
}

function readPosition(command: Command): { readonly after?: number } {
  const text = textOption(command, 'after')
  if (text === undefined) return {}
  const after = Number(text)
  if (!/^\d+$/u.test(text) || !Number.isSafeInteger(after)) {
    throw new UsageError(`--after ${text}: expected the "position" of a message that was printed before`)
  }
  return { after }
}

/** On standard error: readers of the list see messages only. */
function sayMore(io: CommandIo, what: string): void {
  writeLines(io.stderr, [`parley: ${what}: --limit NUMBER shows more.`])
}

function sayNone(io: CommandIo, what: string): void {
  writeLines(io.stderr, [`parley: ${what}`])
}

interface HistoryFormat {
  readonly asJson: boolean
  readonly name: (peer: string) => string
}

/** One message as it is written to standard output, without its last line break. */
export function entryText(entry: HistoryEntry, { asJson, name }: HistoryFormat): string {
  const who = name(entry.message.peer)
  if (asJson) return escapedJson(entryJson(entry, who))
  return markedEntryLines(entry, who)
    .map((line) => cleanText(line))
    .join('\n')
}

/**
 * Writes messages and waits until there is room for more.
 *
 * @throws the signal's reason, also when the reader has gone
 */
export async function writeEntries(
  output: Writable,
  entries: readonly HistoryEntry[],
  format: HistoryFormat,
  signal: AbortSignal
): Promise<void> {
  for (const entry of entries) {
    signal.throwIfAborted()
    if (!output.write(`${entryText(entry, format)}\n`) && !output.destroyed) await once(output, 'drain', { signal })
  }
}

/** @throws ProfileInUseError, StorageProblemError */
async function withHistory<T>(io: CommandIo, config: Config, use: (source: HistorySource) => Promise<T>): Promise<T> {
  return onProfile({
    config,
    signal: io.interrupted,
    running: async (parley) => use(runningHistory(parley)),
    say: (line) => writeLines(io.stderr, [`parley: ${line}`]),
    own: async () => {
      const { openHistory } = await import('../../node/index.ts')
      const open = await openHistory(config)
      try {
        sayMended(io, open.mended)
        return await use(open)
      } finally {
        await open.close()
      }
    }
  })
}

/** Names in text: those that two peers share have the ID, so that neither passes for the other. */
export async function distinctNames(source: HistorySource): Promise<(peer: string) => string> {
  const conversations = await source.history.conversations()
  const peersOf = Map.groupBy(conversations, ({ peer }) => folded(source.name(peer)))
  return (peer) => {
    const name = source.name(peer)
    return (peersOf.get(folded(name))?.length ?? 0) > 1 && name !== shortId(peer) ? `${name} (${shortId(peer)})` : name
  }
}
