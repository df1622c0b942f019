// The passphrase of an identity key. `parley profile protect` sets, changes or removes
// it: whatever is mistyped or interrupted, the key stays as it was. `parley unlock`
// gives it to a parley that started without a person and waits for it.
import type { Command } from 'commander'
import { daemonAt } from '../../attach/index.ts'
import { escapedJson } from '../../process/clean-text.ts'
import { RunningCommandError, runningParley, type RunningParley } from '../../control/index.ts'
import { sayMended, writeLines, type CommandIo } from '../../process/io.ts'
import { flagsOf, hasSwitch, onProfile, textOption } from '../../options/given-options.ts'
import { newPassphrase, unlockerOf } from '../../process/unlocking.ts'
import {
  exitCodes,
  KeyLockedError,
  loadConfig,
  parsePort,
  processNote,
  ProfileInUseError,
  WrongPassphraseError
} from '../../../node/settings.ts'
import type { Config, ExitCode, Unlocker } from '../../../node/settings.ts'
import type { OwnKey } from '../../../node/index.ts'

export async function runProtect(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const own = await openKey(io, config, command)
  try {
    sayMended(io, own.mended)
    await protect(io, command, own)
    return exitCodes.ok
  } finally {
    own.release()
  }
}

async function openKey(io: CommandIo, config: Config, command: Command): Promise<OwnKey> {
  const { openDirectoryOwnKey, openOwnKey } = await import('../../../node/index.ts')
  const port = textOption(command, 'directoryPort')
  if (port !== undefined) return openDirectoryOwnKey(config, parsePort(port))
  try {
    return await openOwnKey(config)
  } catch (error) {
    if (!(error instanceof ProfileInUseError)) throw error
    const daemon = await daemonAt(config, io.interrupted).catch(() => undefined)
    if (daemon === undefined) throw error
    const { profile } = config.settings
    throw new ProfileInUseError(
      `the profile ${profile} is in use by its daemon${processNote(daemon.pid)}: end that one first with ${onProfile('parley daemon --stop', profile)}`
    )
  }
}

async function protect(io: CommandIo, command: Command, own: OwnKey): Promise<void> {
  const isRemoved = hasSwitch(command, 'remove')
  const say = (what: string, isOldOverwritten = true): void => {
    if (hasSwitch(command, 'json')) {
      const { owner, peer } = own
      writeLines(io.stdout, [
        escapedJson({ owner, peer, protected: !isRemoved, oldBytesOverwritten: isOldOverwritten })
      ])
      return
    }
    writeLines(io.stdout, [`The key of ${own.owner} ${what}.`])
    if (!isRemoved && !own.hasPassphrase) {
      writeLines(io.stdout, ['Earlier copies, such as backups and snapshots, still hold the key without a passphrase.'])
    }
    if (!isOldOverwritten) {
      writeLines(io.stdout, [
        'The old file has another name too (a hard link) and was left on the disk: delete it there.'
      ])
    }
  }
  if (isRemoved && !own.hasPassphrase) {
    say('has no passphrase')
    return
  }
  // A passphrase given for a key that has none yet can only be the new one: it is read as that below.
  const key = await own.open(own.hasPassphrase ? await unlockerOf({ io, command }) : neverAsked)
  const passphrase = isRemoved ? undefined : await askNew(io, command, own)
  const { isOldOverwritten } = await own.rewrite(key, passphrase)
  const what = own.hasPassphrase ? 'has a new passphrase' : 'has a passphrase now'
  say(isRemoved ? 'no longer has a passphrase' : what, isOldOverwritten)
}

const neverAsked: Unlocker = async ({ owner }) => {
  throw new KeyLockedError(`the key of ${owner} was given a passphrase in the meantime: try again`)
}

async function askNew(io: CommandIo, command: Command, { owner, hasPassphrase }: OwnKey): Promise<string> {
  const { checkPassphrase } = await import('../../../node/index.ts')
  const isGivenAsNew = textOption(command, 'newPassphraseFd') !== undefined
  const option = hasPassphrase || isGivenAsNew ? 'newPassphraseFd' : 'passphraseFd'
  return newPassphrase({ io, command, option, question: `New passphrase of ${owner}: `, check: checkPassphrase })
}

export async function runUnlock(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const { profile } = config.settings
  const parley = await runningParley(config, { signal: io.interrupted, mayBeLocked: true })
  const state = parley === undefined ? 'not running' : parley.ready['event'] === 'locked' ? 'locked' : 'open'
  if (parley !== undefined && state === 'locked') {
    try {
      await unlock(io, command, parley, profile)
    } finally {
      parley.close()
    }
  }
  parley?.close()
  if (hasSwitch(command, 'json')) {
    writeLines(io.stdout, [escapedJson({ running: parley !== undefined, profile, unlocked: state === 'locked' })])
  } else {
    const texts = {
      locked: `The profile ${profile} is unlocked.`,
      open: `The profile ${profile} is not locked.`,
      'not running': `No parley runs on the profile ${profile}: parley asks for the passphrase when it starts on a terminal.`
    }
    writeLines(io.stdout, [texts[state]])
  }
  return parley === undefined ? exitCodes.notRunning : exitCodes.ok
}

async function unlock(io: CommandIo, command: Command, parley: RunningParley, profile: string): Promise<void> {
  // The key stays in the other process, which only reports that the passphrase fits.
  const give = async (passphrase: string): Promise<void> => {
    try {
      await parley.ask({ do: 'unlock', passphrase }, { signal: io.interrupted })
    } catch (error) {
      const isWrong = error instanceof RunningCommandError && error.exitCode === exitCodes.wrongPassphrase
      throw isWrong ? new WrongPassphraseError(error.message, { cause: error }) : error
    }
  }
  const peer = String(parley.ready['peer'])
  const open = await unlockerOf<void>({ io, command })
  await open({ owner: `the profile ${profile}`, profile, peer, unlock: give })
}
