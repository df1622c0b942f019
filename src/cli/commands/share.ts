// `parley share`: shares folders, lists what is shared, and ends it; through the parley that runs on the profile, else on
// the profile itself, where others see it as soon as a parley runs.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isJson, jsonList } from '../../lib/index.ts'
import { type ExitCode, exitCodes, loadConfig, UsageError } from '../../node/settings.ts'
import type { ShareAudience, ShareView } from '../chat-api/chat-api.ts'
import { audienceOf } from '../chat-commands/share-commands.ts'
import { contactNames, NoAnswerError, onProfile, readShare, type RunningParley } from '../control/index.ts'
import { shareJson } from '../json/event-json.ts'
import { flagsOf, hasSwitch, listOption, textOption } from '../options/given-options.ts'
import { escapedJson } from '../process/clean-text.ts'
import { type CommandIo, sayMended, writeLines } from '../process/io.ts'
import { quotedWord } from '../process/quoted-words.ts'
import { shareLine, shareResultText } from '../wording/share-wording.ts'

/** The shares of a profile, in this process or in another one. */
interface ShareSource {
  add(folder: string, options: AddOptions): Promise<ShareView>
  list(): Promise<readonly ShareView[]>
  remove(name: string): Promise<ShareView>
  nameOf(peer: string): string
  /** No parley runs: it is only written down. */
  readonly isOffline: boolean
}

interface AddOptions {
  readonly whom: readonly string[]
  readonly isSearchable: boolean
  readonly name: string | undefined
}

export async function runShareAdd(io: CommandIo, command: Command): Promise<ExitCode> {
  const [folder = ''] = command.args
  const options: AddOptions = {
    whom: listOption(command, 'with') ?? [],
    isSearchable: hasSwitch(command, 'searchable'),
    name: textOption(command, 'as')
  }
  return inShares(io, command, async (source, asJson) => {
    const share = await source.add(resolve(folder), options)
    print(io, source, 'added', share, asJson)
  })
}

export async function runShareList(io: CommandIo, command: Command): Promise<ExitCode> {
  return inShares(io, command, async (source, asJson) => {
    const shares = await source.list()
    if (asJson) writeLines(io.stdout, [escapedJson({ event: 'shares', shares: shares.map(shareJson) })])
    else if (shares.length === 0) writeLines(io.stderr, ['parley: nothing is shared: parley share add FOLDER'])
    else
      writeLines(
        io.stdout,
        shares.map((share) => shareLine(share, (peer) => source.nameOf(peer)))
      )
  })
}

export async function runShareRemove(io: CommandIo, command: Command): Promise<ExitCode> {
  return inShares(io, command, async (source, asJson) => {
    const [name = ''] = command.args
    // A folder is named as it is typed here, where the shell stands.
    const known = (await source.list()).find((one) => one.name === name || one.folder === resolve(name))
    if (known === undefined) throw new UsageError(`nothing is shared as '${name}': parley share list shows what is`)
    print(io, source, 'removed', await source.remove(known.name), asJson)
  })
}

function print(io: CommandIo, source: ShareSource, what: 'added' | 'removed', share: ShareView, asJson: boolean): void {
  if (asJson) return writeLines(io.stdout, [escapedJson({ event: 'share', what, ...shareJson(share) })])
  writeLines(io.stdout, [shareResultText(what, share, (peer) => source.nameOf(peer))])
  if (what === 'added' && source.isOffline) writeLines(io.stderr, ['parley: others see it while parley runs'])
}

async function inShares(
  io: CommandIo,
  command: Command,
  use: (source: ShareSource, asJson: boolean) => Promise<void>
): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const asJson = hasSwitch(command, 'json')
  await onProfile({
    config,
    signal: io.interrupted,
    running: async (parley) => use(runningShares(parley, await contactNames(parley)), asJson),
    own: async () => {
      const { openOfflineShares } = await import('../../node/index.ts')
      const open = await openOfflineShares(config)
      try {
        sayMended(io, open.mended)
        const peerOf = async (word: string): Promise<string> => open.resolve([word])
        await use(
          {
            add: async (folder, { whom, isSearchable, name }) => {
              const audience: ShareAudience = await audienceOf(whom, peerOf)
              return open.shares.add(folder, { audience, isSearchable, ...(name === undefined ? {} : { name }) })
            },
            list: async () => open.shares.list(),
            remove: async (name) => open.shares.remove(name),
            nameOf: open.name,
            isOffline: true
          },
          asJson
        )
      } finally {
        await open.close()
      }
    },
    say: (line) => writeLines(io.stderr, [`parley: ${line}`])
  })
  return exitCodes.ok
}

function runningShares(parley: RunningParley, nameOf: ShareSource['nameOf']): ShareSource {
  const ask = async (words: readonly string[]): Promise<ShareView> => {
    const { share } = await parley.ask({ do: 'share', text: words.map(quotedWord).join(' ') })
    const view = isJson(share) ? readShare(share) : undefined
    if (view === undefined) throw new NoAnswerError(undefined)
    return view
  }
  return {
    add: async (folder, { whom, isSearchable, name }) =>
      ask([
        'add',
        folder,
        ...whom.flatMap((one) => ['--with', one]),
        ...(isSearchable ? ['--searchable'] : []),
        ...(name === undefined ? [] : ['--as', name])
      ]),
    list: async () => {
      const { shares } = await parley.ask({ do: 'share', text: 'list' })
      return jsonList(shares).flatMap((json) => readShare(json) ?? [])
    },
    remove: async (name) => ask(['remove', name]),
    nameOf,
    isOffline: false
  }
}
