// How a locked identity is opened for a command: by the passphrase that was
// given with it, by asking on the terminal, or, for a node that starts without a
// person, by waiting for `parley unlock`. It keeps no passphrase.
import type { Command } from 'commander'
import { runFlagOf } from '../options/option-table.ts'
import type { CommandIo } from './io.ts'
import { givenPassphrase, PassphraseTerminal, type DescriptorOption } from './passphrase.ts'
import { KeyLockedError, ParleyError, shortId, UsageError, WrongPassphraseError } from '../../node/settings.ts'
import type { LockedIdentity } from '../../node/settings.ts'

/** How often a mistyped passphrase may be repeated before the command ends. */
const PASSPHRASE_TRIES = 3

export interface UnlockingInit<Opened> {
  readonly io: CommandIo
  readonly command: Command
  /**
   * Waits until the passphrase comes another way, where the command goes on without a person. Without it the command
   * asks on the terminal that it was started from, and ends where there is none.
   */
  readonly wait?: Opener<Opened>
}

/** What the passphrase opens: the key itself, or one that another process holds. */
interface Locked<Opened> extends Pick<LockedIdentity, 'owner' | 'profile' | 'peer'> {
  /** @throws WrongPassphraseError */
  unlock(passphrase: string): Promise<Opened>
}

type Opener<Opened> = (locked: Locked<Opened>) => Promise<Opened>

/**
 * Reads the passphrase that was given with the command, at once: what follows it on standard input is the command's.
 *
 * @returns what opens a locked identity, however often the command opens its profile
 */
export async function unlockerOf<Opened>({ io, command, wait }: UnlockingInit<Opened>): Promise<Opener<Opened>> {
  const given = await givenPassphrase(io, command, { option: 'passphraseFd', mayBeCredential: true })
  return async (locked) => {
    if (given !== undefined) return locked.unlock(given)
    const terminal = PassphraseTerminal.find(io, { evenIfPiped: wait === undefined })
    if (terminal !== undefined) return unlockOnTerminal(terminal, locked)
    if (wait !== undefined) return wait(locked)
    throw new KeyLockedError(
      `the key of ${locked.owner} has a passphrase, and there is no terminal to ask for it: give it with --passphrase-fd N`
    )
  }
}

async function unlockOnTerminal<Opened>(terminal: PassphraseTerminal, locked: Locked<Opened>): Promise<Opened> {
  const question = `Passphrase of ${locked.owner} (${shortId(locked.peer)}): `
  return askUntilRight(terminal, question, async (passphrase) => locked.unlock(passphrase))
}

/**
 * Asks until the passphrase fits, a few times.
 *
 * @throws WrongPassphraseError after the last of them
 */
export async function askUntilRight<T>(
  terminal: PassphraseTerminal,
  question: string,
  use: (passphrase: string) => Promise<T>
): Promise<T> {
  try {
    for (let left = PASSPHRASE_TRIES - 1; ; left--) {
      const passphrase = await terminal.ask(question)
      try {
        return await use(passphrase)
      } catch (error) {
        if (!(error instanceof WrongPassphraseError) || left === 0) throw error
        terminal.say('Wrong passphrase. Try again:')
      }
    }
  } finally {
    terminal.close()
  }
}

export interface NewPassphraseInit {
  readonly io: CommandIo
  readonly command: Command
  /** The option that may give it. */
  readonly option: DescriptorOption
  readonly question: string
  /** @throws PassphraseUnusableError */
  readonly check: (passphrase: string) => void
}

/**
 * A passphrase that is to be set: given once by a descriptor, or typed twice.
 *
 * @throws KeyLockedError where there is no terminal to ask on; what `check` throws, after a few tries on a terminal
 */
export async function newPassphrase({ io, command, option, question, check }: NewPassphraseInit): Promise<string> {
  const given = await givenPassphrase(io, command, { option, mayBeCredential: false })
  if (given !== undefined) {
    check(given)
    return given
  }
  const terminal = PassphraseTerminal.find(io, { evenIfPiped: true })
  if (terminal === undefined) {
    throw new KeyLockedError(`there is no terminal to ask for the new passphrase: give it with ${runFlagOf(option)} N`)
  }
  try {
    for (let left = PASSPHRASE_TRIES - 1; ; left--) {
      const why = await askTwice(terminal, question, check)
      if (why.passphrase !== undefined) return why.passphrase
      if (left === 0) throw why.error
      terminal.say(sentence(why.error.message))
    }
  } finally {
    terminal.close()
  }
}

async function askTwice(
  terminal: PassphraseTerminal,
  question: string,
  check: (passphrase: string) => void
): Promise<{ readonly passphrase: string } | { readonly passphrase: undefined; readonly error: ParleyError }> {
  const passphrase = await terminal.ask(question)
  try {
    check(passphrase)
  } catch (error) {
    if (error instanceof ParleyError) return { passphrase: undefined, error }
    throw error
  }
  if ((await terminal.ask('The same once more: ')) === passphrase) return { passphrase }
  return { passphrase: undefined, error: new UsageError('the two passphrases differ') }
}

/** An error's message on a line of its own; it begins in lower case, after the program's name. */
function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`
}
