// `parley unlock`: gives the passphrase to a parley that started without a person
// and waits for it.
import type { Command } from 'commander'
import { escapedJson } from '../clean-text.ts'
import { RunningCommandError, runningParley, type RunningParley } from '../control/index.ts'
import { writeLines, type CommandIo } from '../io.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { unlockerOf } from '../unlocking.ts'
import { exitCodes, loadConfig, WrongPassphraseError, type ExitCode } from '../../node/settings.ts'

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
  // The key stays over there; what counts here is that the passphrase was taken.
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
