// `parley contact`: lists, renames and removes the contacts of a profile, through the
// parley that runs on it, else on the profile itself.
import type { Command } from 'commander'
import { type Config, type ExitCode, exitCodes, loadConfig, shortId, UsageError } from '../../../node/settings.ts'
import { whoText } from '../../chat-commands/named-peer.ts'
import { onProfile, runningContacts } from '../../control/index.ts'
import type { ContactSource, ListedContact } from '../../control/running-profile.ts'
import { escapedJson } from '../../process/clean-text.ts'
import { canAsk, isConfirmed } from '../../process/input-lines.ts'
import { type CommandIo, sayMended, writeLines } from '../../process/io.ts'
import { claimText, trustMark } from '../../wording/trust-wording.ts'
import { flagsOf, hasSwitch } from '../../options/given-options.ts'

export async function runContactList(io: CommandIo, command: Command): Promise<ExitCode> {
  return inContacts(io, command, async (source, asJson) => {
    const contacts = (await source.list()).toSorted((a, b) => a.name.localeCompare(b.name))
    if (asJson) writeLines(io.stdout, [escapedJson({ event: 'contacts', contacts })])
    else if (contacts.length === 0) writeLines(io.stderr, ['parley: there are no contacts yet'])
    else writeLines(io.stdout, contacts.map(lineOf))
  })
}

export async function runContactRename(io: CommandIo, command: Command): Promise<ExitCode> {
  const [words = '', ...name] = command.args
  return inContacts(io, command, async (source, asJson) => {
    const { peer, name: was } = await source.find([words])
    const now = await source.rename(peer, name.join(' '))
    if (asJson) writeLines(io.stdout, [escapedJson({ event: 'contact-renamed', peer, name: now, was })])
    else writeLines(io.stdout, [`${whoText({ name: was, peer })} is ${now} from now on.`])
  })
}

export async function runContactRemove(io: CommandIo, command: Command): Promise<ExitCode> {
  const isAgreed = hasSwitch(command, 'yes')
  if (!isAgreed && !canAsk(io)) {
    throw new UsageError('parley contact remove can not be undone: add --yes where no one can be asked')
  }
  return inContacts(io, command, async (source, asJson) => {
    const { peer, name } = await source.find(command.args)
    const who = whoText({ name, peer })
    const contacts = await source.list()
    if (!contacts.some((contact) => contact.peer === peer)) throw new UsageError(`${who} is not a contact`)
    const what = [
      `This removes ${who} from your contacts, with its name, its verified mark and its addresses,`,
      'and gives up what waits for it. Your messages stay: parley forget deletes them.'
    ]
    if (!isAgreed && !(await isConfirmed(io, what))) {
      writeLines(io.stdout, ['Nothing was changed.'])
      return
    }
    await source.remove(peer)
    if (asJson) writeLines(io.stdout, [escapedJson({ event: 'contact-removed', peer, name })])
    else writeLines(io.stdout, [`${who} is no longer a contact.`])
  })
}

async function inContacts(
  io: CommandIo,
  command: Command,
  use: (source: ContactSource, asJson: boolean) => Promise<void>
): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  await withContacts(io, config, async (source) => use(source, hasSwitch(command, 'json')))
  return exitCodes.ok
}

function lineOf(contact: ListedContact): string {
  const { name, peer, claimedName } = contact
  const claim = claimedName === name ? '' : `  (${claimText(claimedName)})`
  return `${name}  ${peer}${trustMark(contact)}${claim}`
}

/** @throws ProfileInUseError, StorageProblemError */
async function withContacts<T>(io: CommandIo, config: Config, use: (source: ContactSource) => Promise<T>): Promise<T> {
  return onProfile({
    config,
    signal: io.interrupted,
    running: async (parley) => use(runningContacts(parley)),
    say: (line) => writeLines(io.stderr, [`parley: ${line}`]),
    own: async () => {
      const { openContacts } = await import('../../../node/index.ts')
      const open = await openContacts(config)
      try {
        sayMended(io, open.mended)
        return await use({
          list: async () =>
            open.contacts().map(({ peer, name, claimedName = name, verified, metByCode }) => ({
              peer,
              name,
              shortId: shortId(peer),
              claimedName,
              verified: verified !== undefined,
              metByCode: metByCode !== undefined
            })),
          find: async (words) => {
            const peer = await open.resolve(words)
            return { peer, name: open.name(peer) }
          },
          rename: async (peer, name) => open.rename(peer, name),
          remove: async (peer) => open.remove(peer)
        })
      } finally {
        await open.close()
      }
    }
  })
}
