// `parley profile export` and `parley profile import`: a profile as one encrypted
// file, to keep or to move to another machine.
import type { Command } from 'commander'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { escapedJson } from '../../process/clean-text.ts'
import { PERCENTAGE_EVERY_MS, ProgressLine } from '../../process/progress-line.ts'
import { onProfile, type RunningParley } from '../../control/index.ts'
import { sayMended, writeLines, type CommandIo } from '../../process/io.ts'
import { givenPassphrase, PassphraseTerminal } from '../../process/passphrase.ts'
import { flagsOf, hasSwitch, listOption, textOption } from '../../options/given-options.ts'
import { askUntilRight, newPassphrase } from '../../process/unlocking.ts'
import {
  exitCodes,
  fileFault,
  KeyLockedError,
  loadConfig,
  profileFolder,
  shortId,
  UsageError
} from '../../../node/settings.ts'
import type { Config, ExitCode } from '../../../node/settings.ts'
import type { ExportInit, Imported, Progress } from '../../../node/index.ts'
import { decodedText } from '../../../lib/index.ts'

/** How long a running parley may take to copy its history: the largest ones, on a slow disk. */
const COPY_ANSWER_MS = 3_600_000

const historyFile = 'history.db'

export async function runProfileExport(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const file = resolve(command.args[0] ?? '')
  const force = hasSwitch(command, 'force')
  const node = await import('../../../node/index.ts')
  await node.checkExport({ config, file, force })
  const lock = await exportLock(io, command, node.checkPassphrase)
  const progress = new ProgressLine(io.stderr)
  try {
    const history = await copyOf(io, config, ({ doneBytes, totalBytes }) =>
      progress.show('Copying the history', doneBytes, totalBytes)
    )
    try {
      const onProgress = ({ doneBytes, totalBytes }: Progress): void =>
        progress.show(`Writing ${file}`, doneBytes, totalBytes)
      const exported = await node.exportProfile({
        config,
        file,
        lock,
        force,
        history,
        signal: io.interrupted,
        onProgress
      })
      progress.end()
      const { peer, sizeBytes, hasPassphrase } = exported
      const { profile } = config.settings
      if (hasSwitch(command, 'json')) {
        writeLines(io.stdout, [
          escapedJson({ event: 'exported', file, sizeBytes, profile, peer, protected: hasPassphrase })
        ])
        return exitCodes.ok
      }
      const opens = 'passphrase' in lock ? 'its passphrase' : 'the identity of a recipient'
      writeLines(io.stdout, [
        `The profile ${profile} (${shortId(peer)}) is in ${file} (${megabytes(sizeBytes)}): key, contacts, history, settings.`,
        hasPassphrase
          ? `Anyone with this file, ${opens} and the passphrase of the key can be you.`
          : `Anyone with this file and ${opens} can be you.`
      ])
      return exitCodes.ok
    } finally {
      await history.close()
    }
  } finally {
    progress.end()
  }
}

async function exportLock(
  io: CommandIo,
  command: Command,
  check: (passphrase: string) => void
): Promise<ExportInit['lock']> {
  const recipients = listOption(command, 'recipient')
  if (recipients !== undefined) return { recipients }
  return {
    passphrase: await newPassphrase({
      io,
      command,
      option: 'passphraseFd',
      question: 'Passphrase for the file: ',
      check
    })
  }
}

/** The history as it is now: copied here, or by the process that holds the profile. */
async function copyOf(
  io: CommandIo,
  config: Config,
  onProgress: (progress: Progress) => void
): Promise<ExportInit['history']> {
  const { copyHistory, takeCopy } = await import('../../../node/index.ts')
  return onProfile({
    config,
    signal: io.interrupted,
    say: (line) => writeLines(io.stderr, [`parley: ${line}`]),
    running: async (parley) => takeCopy(await copyThrough(parley, io, config, onProgress)),
    own: async () =>
      copyHistory(config, { signal: io.interrupted, onProgress, onMended: (texts) => sayMended(io, texts) })
  })
}

/** The other process copies; the size of its file shows its progress. */
async function copyThrough(
  parley: RunningParley,
  io: CommandIo,
  { folders, settings }: Config,
  onProgress: (progress: Progress) => void
): Promise<string> {
  const folder = profileFolder(folders.data, settings.profile)
  const asked = parley.ask({ do: 'copy-history' }, { signal: io.interrupted, timeoutMs: COPY_ANSWER_MS })
  const over = new AbortController()
  const looking = watchCopy(folder, over.signal, onProgress)
  try {
    const { file } = await asked
    if (typeof file === 'string') return file
    throw new UsageError('the parley that runs on the profile is of another version: end it first')
  } finally {
    over.abort()
    await looking
  }
}

async function watchCopy(folder: string, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<void> {
  const sizeOf = async (name: string): Promise<number> =>
    (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0
  const totalBytes = await sizeOf(historyFile)
  while (!signal.aborted) {
    const copies = (await readdir(folder)).filter((name) => name.startsWith(`${historyFile}.copy.`))
    onProgress({ doneBytes: Math.max(0, ...(await Promise.all(copies.map(sizeOf)))), totalBytes })
    await sleep(PERCENTAGE_EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}

export async function runProfileImport(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const force = hasSwitch(command, 'force')
  const file = command.args[0] ?? ''
  const { ProfileArchive } = await import('../../../node/index.ts')
  const archive = await ProfileArchive.open(file, { config, force })
  const progress = new ProgressLine(io.stderr)
  try {
    const onProgress = ({ doneBytes, totalBytes }: Progress): void =>
      progress.show(`Reading ${file}`, doneBytes, totalBytes)
    const init = { config, force, signal: io.interrupted, onProgress }
    const identities = await identitiesOf(command)
    const importWith = async (key: Parameters<typeof archive.import>[0]): Promise<Imported> => {
      try {
        return await archive.import(key, init)
      } finally {
        // A wrong passphrase is reported on a line of its own.
        progress.end()
      }
    }
    const imported =
      archive.lock === 'recipients'
        ? await importWith({ identities: identities ?? noIdentity(file) })
        : await withPassphrase(io, command, file, async (passphrase) => importWith({ passphrase }))
    report(io, command, config, imported)
    return exitCodes.ok
  } finally {
    await archive.close()
  }
}

function noIdentity(file: string): never {
  throw new UsageError(
    `${file} is encrypted to a recipient, not with a passphrase: give the identity of that recipient with --identity FILE`
  )
}

/** The lines of a file of `age-keygen`. */
async function identitiesOf(command: Command): Promise<readonly string[] | undefined> {
  const file = textOption(command, 'identity')
  if (file === undefined) return undefined
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new UsageError(`${file} can't be read: ${fileFault(error)}`, { cause: error })
  })
  return decodedText(bytes)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

async function withPassphrase<T>(
  io: CommandIo,
  command: Command,
  file: string,
  use: (passphrase: string) => Promise<T>
): Promise<T> {
  const given = await givenPassphrase(io, command, { option: 'passphraseFd', mayBeCredential: false })
  if (given !== undefined) return use(given)
  const terminal = PassphraseTerminal.find(io, { evenIfPiped: true })
  if (terminal === undefined) {
    throw new KeyLockedError(
      `there is no terminal to ask for the passphrase of ${file}: give it with --passphrase-fd N`
    )
  }
  return askUntilRight(terminal, `Passphrase of ${file}: `, use)
}

function report(io: CommandIo, command: Command, config: Config, imported: Imported): void {
  const { manifest, hasPassphrase, settings, putAside } = imported
  const { profile } = config.settings
  const { peer } = manifest
  if (hasSwitch(command, 'json')) {
    const from = { profile: manifest.profile, exportedAtMs: manifest.exportedAtMs, version: manifest.program }
    const told = {
      event: 'imported',
      profile,
      peer,
      from,
      protected: hasPassphrase,
      settings,
      putAside: putAside ?? null
    }
    writeLines(io.stdout, [escapedJson(told)])
    return
  }
  writeLines(io.stdout, [
    `The profile ${profile} is the peer ${peer} (short: ${shortId(peer)}) now, as it was exported on ${dayOf(manifest.exportedAtMs)}.`,
    ...(putAside === undefined ? [] : [`The former profile ${profile} is now the profile ${putAside}.`]),
    ...(settings === 'taken' ? [`Its settings are in ${config.file} now.`] : []),
    ...(settings === 'kept yours' ? [`Your settings in ${config.file} stay; those of the file were left out.`] : []),
    '',
    'WARNING: this identity must not run in two places. End Parley where it was exported, and do not start that profile again.',
    'While both run, each message reaches only one of the two, and each pushes the other off the roster.'
  ])
}

function dayOf(timeMs: number): string {
  const time = new Date(timeMs)
  return Number.isNaN(time.getTime()) ? 'an unknown day' : time.toISOString().slice(0, 10)
}

function megabytes(bytes: number): string {
  return bytes < 100_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
