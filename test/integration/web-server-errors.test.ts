// What stands at a wss:// address in place of a directory: each cause is told from the others,
// by the command, with real certificates of the test's own authority.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type Server } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { secludedEnv } from '../processes/homes.ts'
import { entryPoint, nodePath } from '../processes/parley-process.ts'

const run = promisify(execFile)
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
let folder: string
const at = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-tls-'))
  const own = ['-keyout', at('authority.key'), '-out', at('authority.crt')]
  await run('openssl', ['req', '-x509', ...newKey, ...own, '-days', '2', '-subj', '/CN=authority of a test'])
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

/** @param days from now until it ends */
async function certified(name: string, days = 2): Promise<{ readonly cert: Buffer; readonly key: Buffer }> {
  await run('openssl', ['req', ...newKey, '-keyout', at('key'), '-out', at('request'), '-subj', `/CN=${name}`])
  await writeFile(at('names'), `subjectAltName=DNS:${name}\n`)
  const signing = [
    '-CA',
    at('authority.crt'),
    '-CAkey',
    at('authority.key'),
    '-CAcreateserial',
    '-extfile',
    at('names')
  ]
  await run('openssl', ['x509', '-req', '-in', at('request'), ...signing, '-days', String(days), '-out', at('crt')])
  return { cert: await readFile(at('crt')), key: await readFile(at('key')) }
}

/** What `parley roster` says of the address. */
async function saidOf(server: Server, path = '/'): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = `wss://localhost:${(server.address() as AddressInfo).port}${path}`
  const env = { ...secludedEnv(folder, 'tls-test'), NODE_EXTRA_CA_CERTS: at('authority.crt') }
  const { stdout, stderr } = await run(nodePath, [entryPoint, 'roster', '--directory', url], { env }).catch(
    (error: unknown) => error as { readonly stdout: string; readonly stderr: string }
  )
  return `${stdout}${stderr}`.replaceAll(url, 'URL')
}

test('a certificate that has expired', async () => {
  const server = createTlsServer(await certified('localhost', -1))
  expect(await saidOf(server)).toContain('the certificate at URL has expired')
})

test('a certificate for another name', async () => {
  const server = createTlsServer(await certified('elsewhere.example'))
  expect(await saidOf(server)).toContain('the certificate at URL is for another name')
})

test('a web server that has nothing at the path', async () => {
  const server = createHttpsServer(await certified('localhost'), (_, response) => response.writeHead(404).end())
  server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n'))
  expect(await saidOf(server, '/nothing')).toContain('URL answered 404: this is a web server without a directory')
})

test('a server that speaks TLS, and no HTTP in it', async () => {
  const server = createTlsServer(await certified('localhost'), (socket) => {
    socket.on('error', () => undefined).end('220 mail.example ESMTP\r\n\r\n')
  })
  expect(await saidOf(server)).toContain('what answers at URL is not a WebSocket')
})
