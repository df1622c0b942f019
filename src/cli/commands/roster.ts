// `parley roster`: who is on the network, once or as it changes, seen without
// being on it: on the network as a whole, or as one directory tells it.
import type { Command } from 'commander'
import type { Writable } from 'node:stream'
import type { RosterRow } from '../chat-api/chat-api.ts'
import { escapedJson } from '../process/clean-text.ts'
import { directoryCounts, noDirectoryText } from '../wording/directory-wording.ts'
import { ROSTER_COALESCE_MS } from '../wording/roster-wording.ts'
import { writeLines, type CommandIo } from '../process/io.ts'
import { rowJson } from '../json/event-json.ts'
import { RosterView } from '../plain/roster-view.ts'
import { RosterNumbers } from '../chat-commands/named-peer.ts'
import { flagsOf, hasSwitch, textOption } from '../options/given-options.ts'
import { folded } from '../../lib/index.ts'
import { exitCodes, loadConfig, UsageError, type Config, type ExitCode } from '../../node/settings.ts'
import { withChatNode } from './with-chat-node.ts'

interface Seen {
  readonly rows: readonly RosterRow[]
  /** How many directories answer. */
  readonly directories: number
  /** Why peers may be missing. */
  readonly gap?: string | undefined
}

/** Shows the roster as it is now; the first call shows all of it. */
type Show = (seen: Seen) => void

interface Look {
  readonly config: Config
  /** Part of a nickname in any case, or the start of a peer ID; empty: everybody. */
  readonly query: string
  readonly isWatching: boolean
  readonly show: Show
}

export async function runRoster(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const look = {
    config,
    query: textOption(command, 'query') ?? '',
    isWatching: hasSwitch(command, 'watch'),
    show: hasSwitch(command, 'json') ? showJson(io) : showLines(io, await ownPeer(config))
  }
  const isNamed = config.sources.directory === 'flag'
  const [directory, ...more] = config.settings.directory
  if (isNamed && more.length > 0) throw new UsageError('parley roster asks one directory: give --directory once')
  await (isNamed && directory !== undefined ? askDirectory(io, directory, look) : lookAround(io, look))
  if (io.interrupted.aborted && !look.isWatching) throw io.interrupted.reason
  return exitCodes.ok
}

async function askDirectory(io: CommandIo, directory: string, look: Look): Promise<void> {
  const { watchRoster } = await import('../../node/index.ts')
  try {
    await watchRoster({
      config: look.config,
      directory,
      query: look.query,
      watch: look.isWatching,
      onRoster: (rows) => look.show({ rows, directories: 1 }),
      signal: io.interrupted
    })
  } catch (error) {
    if (!io.interrupted.aborted) throw error
  }
}

async function lookAround(io: CommandIo, { config, query, isWatching, show }: Look): Promise<void> {
  const part = folded(query)
  const isMatch = ({ nickname, peer }: RosterRow): boolean => folded(nickname).includes(part) || peer.startsWith(query)
  await withChatNode({
    config,
    interactive: false,
    observe: true,
    run: async (node) => {
      await node.peers.firstLook({ thorough: true, signal: io.interrupted })
      if (io.interrupted.aborted) return
      const showNow = (): void => {
        const views = node.snapshot().directories
        show({
          rows: node.peers.roster().filter(isMatch),
          directories: directoryCounts(views).up,
          gap: noDirectoryText(views, config.settings.mdns)
        })
      }
      showNow()
      if (!isWatching) return
      let timer: NodeJS.Timeout | undefined
      node.events.addEventListener('roster', () => {
        timer ??= setTimeout(() => {
          timer = undefined
          showNow()
        }, ROSTER_COALESCE_MS)
      })
      await new Promise<void>((resolve) => io.interrupted.addEventListener('abort', () => resolve(), { once: true }))
      clearTimeout(timer)
    }
  })
}

async function ownPeer(config: Config): Promise<string | undefined> {
  const { knownOwnPeer } = await import('../../node/index.ts')
  // Commands that need the key report what is wrong with it; this one needs none.
  return knownOwnPeer(config).catch(() => undefined)
}

/** @param own the profile's peer, that of a chat which runs on it, say */
function showLines(io: CommandIo, own: string | undefined): Show {
  const columns = (): number | undefined => io.stdout.columns
  const view = new RosterView(new RosterNumbers(), { outside: true, columns, ...(own === undefined ? {} : { own }) })
  let isFirst = true
  return whenDrained(io.stdout, ({ rows, gap }) => {
    const lines = isFirst ? view.all(rows) : view.changes(rows)
    const isGap = isFirst && rows.length === 0 && gap !== undefined
    isFirst = false
    writeLines(io.stdout, isGap ? [`Nobody was found. ${gap}.`] : lines)
  })
}

/** Each line is the whole roster: its reader needs no memory of the lines before. */
function showJson(io: CommandIo): Show {
  return whenDrained(io.stdout, ({ rows, directories }) =>
    writeLines(io.stdout, [
      escapedJson({ event: 'roster', total: rows.length, directories, roster: rows.map(rowJson) })
    ])
  )
}

/** While nothing reads the output, changes add up: what is shown next is the newest roster and not those before it. */
function whenDrained(output: Writable, show: Show): Show {
  let newest: Seen | undefined
  return (seen) => {
    const isWaiting = newest !== undefined
    if (!isWaiting && !output.writableNeedDrain) return show(seen)
    newest = seen
    if (isWaiting) return
    output.once('drain', () => {
      if (newest !== undefined) show(newest)
      newest = undefined
    })
  }
}
