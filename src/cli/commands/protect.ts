// `parley profile protect`: sets, changes or removes the passphrase of an
// identity key. Whatever is mistyped or interrupted, the key stays as it was.
import type { Command } from 'commander'
import { escapedJson } from '../clean-text.ts'
import { sayMended, writeLines, type CommandIo } from '../io.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { newPassphrase, unlockerOf } from '../unlocking.ts'
import { exitCodes, KeyLockedError, loadConfig, parsePort } from '../../node/settings.ts'
import type { Config, ExitCode, Unlocker } from '../../node/settings.ts'
import type { OwnKey } from '../../node/index.ts'

export async function runProtect(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const own = await openKey(config, command)
  try {
    sayMended(io, own.mended)
    await protect(io, command, own)
    return exitCodes.ok
  } finally {
    own.release()
  }
}

async function openKey(config: Config, command: Command): Promise<OwnKey> {
  const { openDirectoryOwnKey, openOwnKey } = await import('../../node/index.ts')
  const port: unknown = command.getOptionValue('directoryPort')
  return typeof port === 'string' ? openDirectoryOwnKey(config, parsePort(port)) : openOwnKey(config)
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
  // What is given for a key that has no passphrase yet can only be the new one, and is left to be read as that.
  const key = await own.open(own.hasPassphrase ? await unlockerOf({ io, command }) : neverAsked)
  const passphrase = isRemoved ? undefined : await askNew(io, command, own)
  const { isOldOverwritten } = await own.rewrite(key, passphrase)
  const what = own.hasPassphrase ? 'has a new passphrase' : 'has a passphrase now'
  say(isRemoved ? 'has no passphrase any more' : what, isOldOverwritten)
}

const neverAsked: Unlocker = async ({ owner }) => {
  throw new KeyLockedError(`the key of ${owner} was given a passphrase in the meantime: try again`)
}

async function askNew(io: CommandIo, command: Command, { owner, hasPassphrase }: OwnKey): Promise<string> {
  const { checkPassphrase } = await import('../../node/index.ts')
  const isGivenAsNew = command.getOptionValue('newPassphraseFd') !== undefined
  const option = hasPassphrase || isGivenAsNew ? 'newPassphraseFd' : 'passphraseFd'
  return newPassphrase({ io, command, option, question: `New passphrase of ${owner}: `, check: checkPassphrase })
}
