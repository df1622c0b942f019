// A router of the test Internet that opens ports where it is asked to: miniupnpd, with
// the tables that it keeps its rules in. It knows nothing of who asks.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const program = '/usr/sbin/miniupnpd'

/** Where miniupnpd puts its rules, before those of the router. */
const tables = `table inet filter {
  chain miniupnpd { }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
  chain forward { type filter hook forward priority -10; policy accept; jump miniupnpd; }
  chain prerouting { type nat hook prerouting priority -110; policy accept; jump prerouting_miniupnpd; }
  chain postrouting { type nat hook postrouting priority 90; policy accept; jump postrouting_miniupnpd; }
}
`

/** A router of the older protocol: what begins with the version of PCP is not heard. */
const pcpDropped = `table inet older {
  chain arriving { type filter hook input priority -10; policy accept; udp dport 5351 @th,64,8 2 drop; }
}
`

export type RouterProtocol = 'PCP' | 'NAT-PMP' | 'UPnP'

/** Why no router here can open ports; undefined when one can. */
export async function whyNoPortRouter(): Promise<string | undefined> {
  try {
    await access(program)
    return undefined
  } catch {
    return 'no router that opens ports (miniupnpd with its part for nftables)'
  }
}

export class PortRouter {
  readonly #wrapper: readonly string[]
  readonly #folder: string
  readonly #process: ChildProcess

  private constructor(wrapper: readonly string[], folder: string, process: ChildProcess) {
    this.#wrapper = wrapper
    this.#folder = folder
    this.#process = process
  }

  /** @param wrapper goes before a command that is to run on the router; its cards are `lan` and `wan` */
  static async start(wrapper: readonly string[], protocol: RouterProtocol): Promise<PortRouter> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-router-'))
    const [rules, config] = [join(folder, 'rules'), join(folder, 'config')]
    await writeFile(rules, protocol === 'NAT-PMP' ? tables + pcpDropped : tables)
    await writeFile(
      config,
      [
        'ext_ifname=wan',
        'listening_ip=lan',
        `enable_upnp=${protocol === 'UPnP' ? 'yes' : 'no'}`,
        // It speaks PCP then too.
        `enable_natpmp=${protocol === 'UPnP' ? 'no' : 'yes'}`,
        'uuid=1d8f5e36-79e6-466a-9f93-777a1902bac0',
        'allow 1024-65535 0.0.0.0/0 1024-65535',
        ''
      ].join('\n')
    )
    await run(wrapper[0] ?? '', [...wrapper.slice(1), 'nft', '-f', rules])
    const args = [...wrapper.slice(1), program, '-d', '-f', config, '-P', join(folder, 'pid')]
    return new PortRouter(wrapper, folder, spawn(wrapper[0] ?? '', args, { stdio: 'ignore' }))
  }

  /** The rules that lead in from outside. */
  async openings(): Promise<readonly string[]> {
    const [command = '', ...args] = this.#wrapper
    const { stdout } = await run(command, [...args, 'nft', 'list', 'chain', 'inet', 'filter', 'prerouting_miniupnpd'])
    return stdout.split('\n').filter((line) => line.includes('dnat'))
  }

  /** It takes what it is sent, and does nothing any more. */
  pause(): void {
    this.#process.kill('SIGSTOP')
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }
}
