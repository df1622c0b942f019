// A directory behind a real web server, and two peers whose networks let nothing out but
// TCP to port 443: they find the way by themselves, and talk through it. Real commands in
// network namespaces; where there can be none, it says so.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { JsonParley, patienceMs, randomNetwork, type ParleyEvent } from '../fault/json-parley.ts'
import { eventually } from '../eventually.ts'
import { Internet, whyNoInternet, type InternetHost } from '../netns/internet.ts'
import { untilListening } from '../netns/listening.ts'
import { serverName, WebServer, whyNoWebServer, type WebServerKind } from '../netns/web-server.ts'
import { entryPoint, nodePath } from '../processes/parley-process.ts'
import { acquaint } from './apart.ts'

const run = promisify(execFile)
const whyNot = await whyNoInternet()
const url = `wss://${serverName}/`

interface World {
  readonly internet: Internet
  readonly network: string
  readonly directory: JsonParley
  /** Goes before a command that trusts the authority of the test. */
  readonly trusting: readonly string[]
  readonly spawn: (host: InternetHost, args: readonly string[], trusting?: readonly string[]) => Promise<JsonParley>
}

/** The directory is at the first site, and two peers are at the others. */
async function world(kind: WebServerKind): Promise<World> {
  const internet = await Internet.create([{ kind: 'public' }, { kind: 'tcp-443' }, { kind: 'tcp-443' }])
  onTestFinished(async () => internet.remove())
  const at = internet.host(0)
  await internet.giveHost(serverName, at.address)
  const network = randomNetwork()
  const spawn: World['spawn'] = async (host, args, trusting = []) => {
    const wrapper = [...host.wrapper, ...trusting]
    const parley = await JsonParley.spawn({ wrapper, secluded: false, network, args: [...args, '--no-mdns'] })
    onTestFinished(async () => parley.stop())
    return parley
  }
  const ws = ['--ws-port', '8081', '--ws-announce', `wss://${serverName}`, '--trusted-proxy', '127.0.0.1']
  const directory = await spawn(at, ['directory', '--port', '8000', '--no-http', ...ws])
  const server = await WebServer.start(kind, at.wrapper)
  onTestFinished(async () => server.stop())
  await untilListening(directory.pid, 8081, patienceMs)
  return { internet, network, directory, trusting: ['env', `NODE_EXTRA_CA_CERTS=${server.authorityFile}`], spawn }
}

function all({ events }: JsonParley, name: string): readonly ParleyEvent[] {
  return events.filter(({ event }) => event === name)
}

/** What `parley roster` prints on this host, or why it fails. */
async function rosterAt(
  directory: string,
  {
    host,
    network,
    trusting = []
  }: { readonly host: InternetHost; readonly network: string; readonly trusting?: readonly string[] }
): Promise<string> {
  const args = ['roster', '--no-mdns', '--network', network, '--directory', directory]
  const [command, ...rest] = [...host.wrapper, ...trusting, nodePath, entryPoint, ...args]
  const { stdout, stderr } = await run(command ?? '', rest).catch((error: unknown) => outputOf(error))
  return `${stdout}${stderr}`
}

function outputOf(error: unknown): { readonly stdout: string; readonly stderr: string } {
  const { stdout = '', stderr = String(error) } = error as { readonly stdout?: string; readonly stderr?: string }
  return { stdout, stderr }
}

/** Asks for a WebSocket with a forged header, and breaks its rules: the directory reports at which address. */
const forger = `
  const tls = require('node:tls')
  const socket = tls.connect({ host: '${serverName}', port: 443, servername: '${serverName}' })
  socket.write(['GET / HTTP/1.1', 'Host: ${serverName}', 'Connection: Upgrade', 'Upgrade: websocket',
    'X-Forwarded-For: 198.51.100.66', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\\r\\n'))
  socket.once('data', () => socket.write(Buffer.from([0x82, 1, 0x61])))
  socket.on('close', () => process.exit(0))
`

test.for(['nginx', 'caddy'] as const)(
  'peers that only get out to port 443 find the directory behind %s by themselves, and talk through it',
  async (kind, { skip }) => {
    const why = whyNot ?? (await whyNoWebServer(kind))
    skip(why !== undefined, why)
    const { internet, network, directory, trusting, spawn } = await world(kind)
    const [annas, bertas] = [internet.host(1), internet.host(2)]
    const start = async (host: InternetHost, name: string): Promise<JsonParley> =>
      spawn(host, ['--name', name, '--directory', `${serverName}:8000`], trusting)
    const [anna, berta] = await Promise.all([start(annas, 'anna'), start(bertas, 'berta')])
    await acquaint(anna, berta)
    expect(await anna.do({ do: 'path', peer: await berta.peerId() })).toMatchObject({ path: 'relayed' })
    expect(all(anna, 'directory').at(-1)).toMatchObject({ state: 'connected', by: url, address: `${serverName}:8000` })

    const from = Object.fromEntries(all(directory, 'ready').map((one) => [String(one['nickname']), one['from']]))
    expect(from).toEqual({ anna: internet.site(1).address, berta: internet.site(2).address })

    const [command, ...rest] = [...bertas.wrapper, ...trusting, nodePath, '-e', forger]
    await run(command, rest)
    await eventually(() =>
      expect(all(directory, 'misbehaviour')).toEqual([
        expect.objectContaining({ address: expect.stringContaining(`${internet.site(2).address}:`) })
      ])
    )

    // What is said where that fails is the same behind either.
    if (kind === 'caddy') return
    // The port is the web server's, and no TCP port of the directory.
    expect(await rosterAt(`${serverName}:443`, { host: annas, network, trusting })).toContain('berta')
    expect(await rosterAt(url, { host: annas, network })).toContain('is not of an authority that this machine trusts')
    await directory.stop()
    expect(await rosterAt(url, { host: annas, network, trusting })).toContain(`${url} answered 502`)
  }
)
