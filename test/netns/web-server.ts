// A real web server on a host of the test Internet, with a certificate of the test's own
// authority, before a directory: nginx or Caddy as the operator's page says it. It knows
// nothing of what it forwards.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ServerProgram } from './server-program.ts'

const run = promisify(execFile)
const page = new URL('../../docs/operating-a-directory.md', import.meta.url)

/** The name in the configurations of the page. */
export const serverName = 'directory.example'
const port = 443

export type WebServerKind = 'nginx' | 'caddy'

const programs: Readonly<Record<WebServerKind, string>> = { nginx: '/usr/sbin/nginx', caddy: '/usr/bin/caddy' }

/** Why there is no such web server here; undefined when there is one. */
export async function whyNoWebServer(kind: WebServerKind): Promise<string | undefined> {
  try {
    await run(programs[kind], [kind === 'nginx' ? '-v' : 'version'])
    return undefined
  } catch {
    return `no ${kind} here`
  }
}

export class WebServer {
  readonly #program: ServerProgram
  /** The certificate of the authority. */
  readonly authorityFile: string

  private constructor(folder: string, program: ServerProgram) {
    this.#program = program
    this.authorityFile = join(folder, 'authority.crt')
  }

  /** @param wrapper goes before a command that is to run on its host */
  static async start(kind: WebServerKind, wrapper: readonly string[]): Promise<WebServer> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-web-'))
    const { certificate, key } = await certify(folder)
    const written = blockOf(kind, await readFile(page, 'utf8'))
    const file = join(folder, 'configuration')
    const args =
      kind === 'nginx'
        ? ['-p', folder, '-e', join(folder, 'errors'), '-c', file]
        : ['run', '--adapter', 'caddyfile', '--config', file]
    await writeFile(
      file,
      kind === 'nginx' ? nginxFile(written, { certificate, key, folder }) : caddyFile(written, { certificate, key })
    )
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
    const command = [...wrapper, programs[kind], ...args]
    return new WebServer(folder, await ServerProgram.start({ folder, command, env, port }))
  }

  async stop(): Promise<void> {
    await this.#program.stop()
  }
}

/** The block of the page that is in this language. */
function blockOf(kind: WebServerKind, text: string): string {
  const found = new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 'su').exec(text)?.[1]
  if (found === undefined) throw new Error(`there is no configuration of ${kind} on the page`)
  return found
}

/** It must be found where a package puts such a block: within `http`. */
function nginxFile(
  written: string,
  own: { readonly certificate: string; readonly key: string; readonly folder: string }
) {
  const block = written
    .replace(/ssl_certificate [^;]*/u, `ssl_certificate ${own.certificate}`)
    .replace(/ssl_certificate_key [^;]*/u, `ssl_certificate_key ${own.key}`)
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${own.folder}/${one};`
  )
  return `daemon off;\nuser root;\npid ${own.folder}/pid;\nevents {}\nhttp {\naccess_log off;\n${folders.join('\n')}\n${block}}\n`
}

function caddyFile(written: string, own: { readonly certificate: string; readonly key: string }): string {
  return `{\n  admin off\n  auto_https disable_redirects\n}\n${written.replace('{', `{\n  tls ${own.certificate} ${own.key}`)}`
}

/** An authority, and a certificate of it for the name. */
async function certify(folder: string): Promise<{ readonly certificate: string; readonly key: string }> {
  const at = (name: string): string => join(folder, name)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const openssl = async (...args: readonly string[]): Promise<unknown> => run('openssl', args)
  const [authority, authorityKey] = [at('authority.crt'), at('authority.key')]
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    authorityKey,
    '-out',
    authority,
    '-days',
    '2',
    '-subj',
    '/CN=authority of a test'
  )
  await openssl('req', ...newKey, '-keyout', at('server.key'), '-out', at('request'), '-subj', `/CN=${serverName}`)
  await writeFile(at('names'), `subjectAltName=DNS:${serverName}\n`)
  const signing = ['-CA', authority, '-CAkey', authorityKey, '-CAcreateserial', '-days', '2', '-extfile', at('names')]
  await openssl('x509', '-req', '-in', at('request'), ...signing, '-out', at('server.crt'))
  return { certificate: at('server.crt'), key: at('server.key') }
}
