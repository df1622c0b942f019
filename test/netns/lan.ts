// A LAN of network namespaces: hosts with one network card each, on a switch
// that stands in a namespace of its own, so that nothing of this machine's
// network is touched and removing the namespaces removes everything. It knows
// nothing of what runs on the hosts.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { inNamespace, ip, Namespaces, whyFailed } from './namespaces.ts'

const run = promisify(execFile)

const bridge = 'br0'
/** No other program is on this network, so any private one will do. */
const subnet = '10.77.0'
const vpnSubnet = '10.88.0'

export interface NetHost {
  readonly namespace: string
  readonly address: string
  /** Goes before a command that is to run on this host. It runs under the process ID that spawn() tells. */
  readonly wrapper: readonly string[]
  /** Gives the card another address, in place of the one it had or beside it, as a lease of a router that changes does. */
  readdress(cidr: string, options?: { readonly beside?: boolean }): Promise<void>
  /** Takes the card down, or brings it up again, as a Wi-Fi that is switched off and on. */
  setCard(state: 'down' | 'up'): Promise<void>
  /** The link-local IPv6 address of the card. */
  linkLocal(): Promise<string>
  /** Pulls the cable out at the switch: the host's card still has its link, and nothing arrives any more. */
  cut(): Promise<void>
  repair(): Promise<void>
  /** From now on it and other hosts that are isolated do not reach each other, as if each were behind a router of its own. */
  isolate(): Promise<void>
  /** Ends that. */
  rejoin(): Promise<void>
}

export interface LanInit {
  readonly hosts: number
  /**
   * Where packets go that no interface is for: to the LAN, as on a machine with a router there; by another interface,
   * as on one with a VPN; or nowhere, as on a LAN without a router.
   */
  readonly defaultRoute?: 'lan' | 'vpn' | 'none'
  /** Without it hosts have the link-local IPv6 addresses that the system gives them, and no others. */
  readonly ipv4?: boolean
  /** Without it IPv6 is switched off on the hosts, as in many offices: nothing is found by ff02::fb. */
  readonly ipv6?: boolean
}

/** Why there can be no namespaces here; undefined when there can. */
export async function whyNoNamespaces(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  try {
    const lan = await Lan.create({ hosts: 1 })
    await lan.remove()
    return undefined
  } catch (error) {
    return `no network namespaces here (they need root and the ip command): ${whyFailed(error)}`
  }
}

export class Lan {
  readonly hosts: NetHost[] = []
  readonly #namespaces: Namespaces
  readonly #init: LanInit

  private constructor(init: LanInit, namespaces: Namespaces) {
    this.#init = init
    this.#namespaces = namespaces
  }

  static async create(init: LanInit): Promise<Lan> {
    const lan = new Lan(init, await Namespaces.begin())
    try {
      await lan.#addSwitch()
      for (let number = 1; number <= init.hosts; number++) lan.hosts.push(await lan.#addHost(number))
      return lan
    } catch (error) {
      await lan.remove()
      throw error
    }
  }

  /** The host of a number that {@link create} was asked for, counted from 0. */
  host(index: number): NetHost {
    const host = this.hosts[index]
    if (host === undefined) throw new RangeError(`there are ${this.hosts.length} hosts`)
    return host
  }

  /** Goes before a command that is to run on the switch, whose ports are `p1`, `p2` and so on. */
  get switchWrapper(): readonly string[] {
    return inNamespace(this.#switch)
  }

  /** What still runs on a host goes on, alone. */
  async remove(): Promise<void> {
    await this.#namespaces.remove()
  }

  get #switch(): string {
    return this.#namespaces.nameOf('s')
  }

  async #addSwitch(): Promise<void> {
    await this.#namespaces.add('s')
    await ip('-n', this.#switch, 'link', 'add', bridge, 'type', 'bridge', 'mcast_snooping', '0')
    await ip('-n', this.#switch, 'link', 'set', bridge, 'up')
  }

  async #addHost(number: number): Promise<NetHost> {
    const namespace = await this.#namespaces.add(String(number))
    const address = `${subnet}.${number}`
    const port = `p${number}`
    await ip('-n', this.#switch, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
    await ip('-n', this.#switch, 'link', 'set', port, 'master', bridge, 'up')
    const { ipv4 = true, ipv6 = true, defaultRoute = 'lan' } = this.#init
    if (!ipv6) await run('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=1'])
    // An address that must be ready before it is used: nobody else on this LAN can have it.
    await run('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv6.conf.eth0.accept_dad=0'])
    if (ipv4) await ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
    await ip('-n', namespace, 'link', 'set', 'eth0', 'up')
    if (defaultRoute === 'lan') await ip('-n', namespace, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0')
    if (defaultRoute === 'vpn') await this.#addVpn(namespace, number)
    return {
      namespace,
      address: ipv4 ? address : '',
      wrapper: inNamespace(namespace),
      readdress: async (cidr, options = {}) => {
        if (options.beside !== true) await ip('-n', namespace, '-4', 'address', 'flush', 'dev', 'eth0')
        await ip('-n', namespace, 'address', 'add', cidr, 'dev', 'eth0')
      },
      setCard: async (state) => ip('-n', namespace, 'link', 'set', 'eth0', state),
      linkLocal: async () => {
        const { stdout } = await run('ip', [
          '-n',
          namespace,
          '-6',
          '-o',
          'address',
          'show',
          'dev',
          'eth0',
          'scope',
          'link'
        ])
        return /inet6 ([^/]+)/u.exec(stdout)?.[1] ?? ''
      },
      cut: async () => ip('-n', this.#switch, 'link', 'set', port, 'nomaster'),
      repair: async () => ip('-n', this.#switch, 'link', 'set', port, 'master', bridge),
      isolate: async () => ip('-n', this.#switch, 'link', 'set', port, 'type', 'bridge_slave', 'isolated', 'on'),
      rejoin: async () => ip('-n', this.#switch, 'link', 'set', port, 'type', 'bridge_slave', 'isolated', 'off')
    }
  }

  /** A second card that leads out of the LAN and has the default route. Nobody answers behind it. */
  async #addVpn(namespace: string, number: number): Promise<void> {
    const far = `v${number}`
    await ip('-n', this.#switch, 'link', 'add', far, 'type', 'veth', 'peer', 'name', 'vpn0', 'netns', namespace)
    await ip('-n', this.#switch, 'link', 'set', far, 'up')
    await ip('-n', namespace, 'address', 'add', `${vpnSubnet}.${number}/24`, 'dev', 'vpn0')
    await ip('-n', namespace, 'link', 'set', 'vpn0', 'up')
    await ip('-n', namespace, 'route', 'add', 'default', 'dev', 'vpn0')
  }
}
