// What of a directory's options is no setting of a node: where the roster page
// is shown. An option is stronger than its environment variable.
import type { Command } from 'commander'
import type { PageWish } from '../../node/index.ts'
import { UsageError } from '../../node/settings.ts'

const maxPort = 65_535

/**
 * @returns how to show the page; undefined when it shall not be shown
 * @throws UsageError
 */
export function pageWish(command: Command, env: NodeJS.ProcessEnv): PageWish | undefined {
  const given = command.getOptionValue('http')
  const [text, where] = given === undefined ? [env['PARLEY_HTTP'], 'PARLEY_HTTP'] : [given, '--http']
  if (text === false || text === 'off') return undefined
  const host = nonEmpty(command.getOptionValue('httpHost')) ?? nonEmpty(env['PARLEY_HTTP_HOST'])
  const port = nonEmpty(text)
  if (port !== undefined && !(/^\d{1,5}$/u.test(port) && Number(port) <= maxPort)) {
    throw new UsageError(
      `${where}: ${JSON.stringify(port)} can't be used: expected a port up to ${maxPort}, 0 for any that is free, or off`
    )
  }
  return { port: port === undefined ? undefined : Number(port), host, names: namesOf(command, env) }
}

/** @throws UsageError */
function namesOf(command: Command, env: NodeJS.ProcessEnv): readonly string[] {
  const given: unknown = command.getOptionValue('httpName')
  const texts = Array.isArray(given) ? given.map(String) : [env['PARLEY_HTTP_NAME'] ?? '']
  const names = texts.flatMap((text) => text.split(',').map((name) => name.trim())).filter((name) => name !== '')
  for (const name of names) {
    if (!/^[\p{L}\p{N}_.-]{1,253}$/u.test(name)) {
      throw new UsageError(`--http-name: ${JSON.stringify(name)} is no host name: give one like directory.example.org`)
    }
  }
  return names
}

/**
 * The port that the page was given where the directory would listen too; undefined when they can't meet.
 *
 * @param host the address that the directory listens on; undefined: all
 */
export function portOfPage(page: PageWish | undefined, host: string | undefined): number | undefined {
  if (page?.port === undefined || page.port === 0) return undefined
  const isMet =
    host === undefined ||
    [host, page.host].some((one) => one === '0.0.0.0' || one === '::') ||
    // Without an address of its own the page is shown to this machine only.
    (page.host === undefined ? /^(?:localhost|127\..*)$/u.test(host) : page.host === host)
  return isMet ? page.port : undefined
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
