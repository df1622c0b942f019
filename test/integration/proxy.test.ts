// A peer in a network that lets nothing out but through an HTTP proxy, and a directory
// behind a real web server on the outside. Real commands in network namespaces; where there
// can be none, it says so.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { JsonParley, patienceMs, randomNetwork } from '../fault/json-parley.ts'
import { Internet, whyNoInternet, type InternetHost } from '../netns/internet.ts'
import { untilListening } from '../netns/listening.ts'
import type { ServerProgram } from '../netns/server-program.ts'
import { proxyPort, startTinyproxy, whyNoTinyproxy, type TinyproxyInit } from '../netns/tinyproxy.ts'
import { serverName, WebServer, whyNoWebServer } from '../netns/web-server.ts'
import { entryPoint, nodePath } from '../processes/parley-process.ts'
import { acquaint } from './apart.ts'

const run = promisify(execFile)
const whyNot = (await whyNoInternet()) ?? (await whyNoWebServer('nginx')) ?? (await whyNoTinyproxy())
const url = `wss://${serverName}/`

/** From now on the host reaches nothing but the proxy. */
async function letOutOnlyTo(proxy: string, host: InternetHost): Promise<void> {
  const rules = `add table inet outside
    add chain inet outside output { type filter hook output priority 0; policy drop; }
    add rule inet outside output oifname lo accept
    add rule inet outside output ip daddr ${proxy} tcp dport ${proxyPort} accept`
  for (const rule of rules.split('\n')) {
    const [command, ...rest] = [...host.wrapper, 'nft', rule.trim()]
    await run(command, rest)
  }
}

test.skipIf(whyNot !== undefined)(
  `through a proxy, as HTTPS_PROXY names it${whyNot === undefined ? '' : ` (${whyNot})`}`,
  async () => {
    const internet = await Internet.create([{ kind: 'public' }, { kind: 'plain' }, { kind: 'public' }])
    onTestFinished(async () => internet.remove())
    const [at, annas, outside] = [internet.host(0), internet.host(1), internet.host(2)]
    await internet.giveHost(serverName, at.address)
    const network = randomNetwork()
    const server = await WebServer.start('nginx', at.wrapper)
    onTestFinished(async () => server.stop())
    const trusting = ['env', `NODE_EXTRA_CA_CERTS=${server.authorityFile}`]
    const spawn = async (
      host: InternetHost,
      args: readonly string[],
      env: readonly string[] = []
    ): Promise<JsonParley> => {
      const wrapper = [...host.wrapper, ...trusting, ...env]
      const parley = await JsonParley.spawn({ wrapper, secluded: false, network, args: [...args, '--no-mdns'] })
      onTestFinished(async () => parley.stop())
      return parley
    }
    const proxyAt = async (init: Omit<TinyproxyInit, 'wrapper'>): Promise<ServerProgram> => {
      const proxy = await startTinyproxy({ wrapper: outside.wrapper, ...init })
      onTestFinished(async () => proxy.stop())
      return proxy
    }
    const roster = async (...args: readonly string[]): Promise<string> => printed('roster', ...args)
    const printed = async (what: string, ...args: readonly string[]): Promise<string> => {
      const all = [...annas.wrapper, ...trusting, nodePath, entryPoint, what, '--no-mdns', '--network', network]
      const [command = '', ...rest] = [...all, '--directory', url, ...args]
      const { stdout, stderr } = await run(command, rest).catch(
        (error: unknown) => error as { readonly stdout: string; readonly stderr: string }
      )
      return `${stdout}${stderr}`
    }
    const directory = await spawn(at, [
      'directory',
      '--port',
      '8000',
      '--no-http',
      '--ws-port',
      '8081',
      '--trusted-proxy',
      '127.0.0.1'
    ])
    await untilListening(directory.pid, 8081, patienceMs)
    await letOutOnlyTo(outside.address, annas)
    const proxy = await proxyAt({ connectPort: 443 })
    const named = `http://${outside.address}:${proxyPort}`

    const berta = await spawn(outside, ['--name', 'berta', '--directory', `${at.address}:8000`])
    const anna = await spawn(annas, ['--name', 'anna', '--directory', `${serverName}:8000`], [`HTTPS_PROXY=${named}`])
    await acquaint(anna, berta)
    expect(directory.events.find(({ nickname }) => nickname === 'anna')?.['from']).toBe(outside.address)

    expect(await roster('--proxy', named)).toContain('berta')
    const examined = await printed('doctor', '--proxy', named)
    expect(examined).toContain(`are reached by the HTTP proxy ${outside.address}:${proxyPort}`)
    expect(examined).toContain(`the directory ${url} is connected`)
    expect(await roster('--proxy', named, '--proxy-except', 'example')).not.toContain('berta')
    await proxy.stop()
    expect(await roster('--proxy', named)).toContain(`the proxy ${outside.address}:${proxyPort} is not reached`)

    const forbidding = await proxyAt({ connectPort: 563 })
    expect(await roster('--proxy', named)).toContain(`the proxy ${outside.address}:${proxyPort} answered 403`)
    await forbidding.stop()

    await proxyAt({ connectPort: 443, login: 'anna secret' })
    expect(await roster('--proxy', named)).toContain('answered 407: it wants a name and password')
    expect(await roster('--proxy', named.replace('//', '//anna:secret@'))).toContain('berta')
  }
)
