// `parley log`, `parley search`, `parley export` and `parley forget`: the history
// of a profile, read or deleted without going on the network.
import type { Command } from 'commander'
import { escapedJson } from '../clean-text.ts'
import { DEFAULT_LISTED_MESSAGES, MAX_CONFIRMATION_BYTES, MAX_LISTED_MESSAGES } from '../constants.ts'
import { writeEntries, type HistoryFormat } from '../history-view.ts'
import { readLines } from '../input-lines.ts'
import { writeLines, type CommandIo } from '../io.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { exitCodes, loadConfig, UsageError, type ExitCode } from '../../node/settings.ts'
import { parseSince, parseUntil } from '../time-span.ts'
import { distinctNames, withHistory, type HistorySource } from '../with-history.ts'

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
    // One more than is shown tells whether there are more.
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
    const found = await source.history.search(words, { ...peer, limit: limit + 1 })
    const shown = found.slice(0, limit)
    await writeEntries(io.stdout, shown, format, io.interrupted)
    if (found.length > shown.length) sayMore(io, `there are older messages with these words`)
    if (found.length === 0) sayNone(io, `no message has ${JSON.stringify(words)}`)
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
  const canAsk = io.stdin.isTTY === true && io.stdout.isTTY === true
  if (!isAgreed && !canAsk) throw new UsageError('parley forget deletes for good: give --yes where nobody can be asked')
  return inHistory(io, command, async (source, { asJson }) => {
    const peer = await source.resolve(command.args)
    const name = source.name(peer)
    if (!isAgreed && !(await isConfirmed(io, name))) {
      writeLines(io.stdout, ['Nothing was deleted.'])
      return
    }
    const count = await source.history.forget(peer)
    if (asJson) writeLines(io.stdout, [escapedJson({ event: 'forgotten', peer, name, count })])
    else writeLines(io.stdout, [`Deleted ${count === 1 ? 'one message' : `${count} messages`} with ${name}.`])
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

/** The answer of whoever sits at the terminal; only a whole `yes` is one. */
async function isConfirmed(io: CommandIo, name: string): Promise<boolean> {
  writeLines(io.stdout, [
    `This deletes all messages with ${name} on this machine for good, those that wait to be sent too, and the`,
    'backups of the history that hold them.',
    'Type yes to do it, anything else to leave them:'
  ])
  const onAbort = (): void => void io.stdin.destroy()
  io.interrupted.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const line of readLines(io.stdin, { maxBytes: MAX_CONFIRMATION_BYTES })) {
      return line.is === 'line' && line.text.trim().toLowerCase() === 'yes'
    }
    return false
  } finally {
    io.interrupted.removeEventListener('abort', onAbort)
    io.interrupted.throwIfAborted()
  }
}

async function peerOption(source: HistorySource, command: Command): Promise<{ readonly peer?: string }> {
  const peer = textOption(command, 'peer')
  return peer === undefined ? {} : { peer: await source.resolve([peer]) }
}

function readLimit(command: Command): number {
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

function textOption(command: Command, name: string): string | undefined {
  const value: unknown = command.getOptionValue(name)
  return typeof value === 'string' ? value : undefined
}

/** Beside the list, not in it: what reads the list sees messages only. */
function sayMore(io: CommandIo, what: string): void {
  writeLines(io.stderr, [`parley: ${what}: --limit NUMBER shows more.`])
}

function sayNone(io: CommandIo, what: string): void {
  writeLines(io.stderr, [`parley: ${what}`])
}
