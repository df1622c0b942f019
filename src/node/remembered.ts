// What a profile remembers in place of settings that nobody has set: the nickname
// that was given last, and the port of the first start. It is read whoever holds
// the profile; nothing is made or changed.
import type { Config, Settings } from './config.ts'
import { bookFile } from './folders.ts'

/** The settings with which a node would start: where there is only a default, what the profile remembers. */
export async function withRemembered(config: Config): Promise<Config> {
  const { folders, settings, sources } = config
  // Loaded here and not above: who only asks for help waits for no storage.
  const [{ PeerBook }, { explained }] = await Promise.all([
    import('../storage/index.ts'),
    import('./storage-problems.ts')
  ])
  const book = await explained(PeerBook.open(bookFile(folders.data, settings.profile)))
  const kept: { -readonly [K in 'name' | 'port']?: Settings[K] } = {}
  if (sources.name === 'default' && book.nickname !== undefined) kept.name = book.nickname
  if (sources.port === 'default' && book.port !== undefined) kept.port = book.port
  const from = Object.fromEntries(Object.keys(kept).map((name) => [name, 'profile' as const]))
  return { ...config, settings: { ...settings, ...kept }, sources: { ...sources, ...from } }
}
