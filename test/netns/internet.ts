// A small Internet of network namespaces: sites on one public segment, each a host
// that stands there itself, or a router of some kind with a LAN behind it. All LANs
// have the same private addresses, as homes do. It knows nothing of what runs on the
// hosts.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { inNamespace, ip, Namespaces, whyFailed } from './namespaces.ts'
import { hostRules, rulesOf, udpDropped, type RouterKind } from './routers.ts'
import { type Impairment, makePlain, SlowLink } from './slow-link.ts'

const run = promisify(execFile)

/** Outside of the ranges that are private, or for documentation: nothing else is on this network. */
const publicIpv4 = '11.22.33'
const publicIpv6 = '2a00:77'
const lanIpv4 = '192.168.1'
const segment = 'br0'
const gateway = `${lanIpv4}.1`
const secondGateway = `${lanIpv4}.2`
/** Sites and hosts are numbered into one byte of an address. */
const hostsOfSite = 10
/** The second router of a site counts as a site of this much higher number. */
const secondRouters = 12

export type SiteKind = 'public' | RouterKind

export interface SiteInit {
  readonly kind: SiteKind
  readonly hosts?: number
  /** Without it IPv6 is switched off on hosts behind a router: they have the one address that a lease gives them. */
  readonly ipv6?: boolean
  /** What packets suffer between it and the Internet; default nothing. */
  readonly line?: Impairment | undefined
  /** A second router of the same kind stands in the home, and nobody's default route leads to it yet. */
  readonly hasSecondRouter?: boolean
}

export interface InternetHost {
  /** Its own IPv4 address: where it is public, others reach it there. */
  readonly address: string
  /** Its own IPv6 address, where it has one that others reach. */
  readonly ipv6: string | undefined
  /** Goes before a command that is to run on this host. */
  readonly wrapper: readonly string[]
  /** Gives its card another address of the LAN in place of the one it had, as a new lease does. */
  readdress(): Promise<void>
  /** Its default route leads to the second router from now on; cards and addresses stay, as when a VPN comes up. */
  reroute(): Promise<void>
  /** Gives its card one more address, which leads nowhere. */
  addAddress(address: string): Promise<void>
  /** Takes the card down, or brings it up again, as a Wi-Fi that is switched off and on. */
  setCard(state: 'down' | 'up'): Promise<void>
}

export interface Site {
  readonly kind: SiteKind
  /** The public IPv4 address that it begins with. */
  readonly address: string
  readonly hosts: readonly InternetHost[]
  /** Gives the router another public address, as a provider does at night. Its hosts notice nothing. */
  readdress(): Promise<void>
  /** From now on its router, and no other, lets UDP pass or drops it. */
  setUdp(state: 'dropped' | 'passed'): Promise<void>
  /** Cuts the line to the Internet: cards and addresses stay, and nothing arrives any more. */
  cut(): Promise<void>
  repair(): Promise<void>
}

/** Why there can be no routers here; undefined when there can. */
export async function whyNoInternet(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  let internet: Internet | undefined
  try {
    internet = await Internet.create([{ kind: 'full-cone' }, { kind: 'adf' }, { kind: 'ipv6' }])
    return undefined
  } catch (error) {
    return `no routers here (they need root, and the commands ip and nft): ${whyFailed(error)}`
  } finally {
    await internet?.remove()
  }
}

export class Internet {
  readonly sites: Site[] = []
  readonly #namespaces: Namespaces
  readonly #slowLinks: SlowLink[] = []

  private constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces
  }

  static async create(sites: readonly SiteInit[]): Promise<Internet> {
    const internet = new Internet(await Namespaces.begin())
    try {
      await internet.#addSegment()
      for (const [index, init] of sites.entries()) internet.sites.push(await internet.#addSite(index + 1, init))
      return internet
    } catch (error) {
      await internet.remove()
      throw error
    }
  }

  /** The first host of the site with this number, counted from 0. */
  host(site: number, index = 0): InternetHost {
    const host = this.sites[site]?.hosts[index]
    if (host === undefined) throw new RangeError(`there is no host ${index} at site ${site}`)
    return host
  }

  /** Goes before a command that is to run on the router of the site with this number. */
  routerOf(site: number): readonly string[] {
    return inNamespace(this.#namespaces.nameOf(`r${site + 1}`))
  }

  site(index: number): Site {
    const site = this.sites[index]
    if (site === undefined) throw new RangeError(`there are ${this.sites.length} sites`)
    return site
  }

  /** From now on the name is looked up to this address on all hosts, by commands that begin after this. */
  async giveHost(name: string, address: string): Promise<void> {
    await this.#namespaces.giveHost(name, address)
  }

  /** What still runs on a host goes on, alone. */
  async remove(): Promise<void> {
    await Promise.all(this.#slowLinks.splice(0).map(async (link) => link.end()))
    await this.#namespaces.remove()
  }

  get #net(): string {
    return this.#namespaces.nameOf('net')
  }

  /** The segment also routes between the IPv6 prefixes of the sites. */
  async #addSegment(): Promise<void> {
    await this.#namespaces.add('net')
    await noBridgeFilter(this.#net)
    await addBridge(this.#net, segment)
    await setSystem(this.#net, 'net.ipv6.conf.all.forwarding=1', `net.ipv6.conf.${segment}.accept_dad=0`)
    await ip('-n', this.#net, 'address', 'add', `${publicIpv6}::1/64`, 'dev', segment, 'nodad')
  }

  async #addSite(number: number, init: SiteInit): Promise<Site> {
    const { kind, hosts = 1, ipv6 = true, hasSecondRouter = false, line } = init
    if (kind === 'public') return this.#addPublic(number, line)
    const home = await this.#addHome({ number, kind, hosts, ipv6, line })
    if (hasSecondRouter) await this.#addSecondRouter(number, kind)
    return home
  }

  async #addPublic(number: number, impairment: Impairment | undefined): Promise<Site> {
    const namespace = await this.#namespaces.add(`p${number}`)
    const line = await this.#plugIn({ number, namespace, card: 'eth0', impairment })
    await giveRules(namespace, hostRules)
    return {
      kind: 'public',
      address: publicOf(number),
      hosts: [
        hostOf(namespace, {
          address: publicOf(number),
          ipv6: publicIpv6Of(number),
          other: publicOf(number, hostsOfSite / 2),
          gateway: undefined
        })
      ],
      ...line
    }
  }

  async #addHome({ number, kind, hosts, ipv6, line: impairment }: HomeInit): Promise<Site> {
    const router = await this.#namespaces.add(`r${number}`)
    await setSystem(router, 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
    await noBridgeFilter(router)
    await addBridge(router, 'lan')
    await ip('-n', router, 'address', 'add', `${gateway}/24`, 'dev', 'lan')
    const line = await this.#plugIn({ number, namespace: router, card: 'wan', impairment })
    if (kind === 'ipv6') {
      await ip('-n', router, 'address', 'add', `${prefixOf(number)}::1/64`, 'dev', 'lan', 'nodad')
      await ip('-n', this.#net, '-6', 'route', 'add', `${prefixOf(number)}::/64`, 'via', publicIpv6Of(number))
    }
    await giveRules(router, rulesOf(kind))
    const inside: InternetHost[] = []
    for (let index = 1; index <= hosts; index++) inside.push(await this.#addInside(number, index, { kind, ipv6 }))
    return { kind, address: publicOf(number), hosts: inside, ...line }
  }

  async #addSecondRouter(site: number, kind: RouterKind): Promise<void> {
    const number = site + secondRouters
    const router = await this.#namespaces.add(`r${number}`)
    // It lets nothing pass that did not begin there: what the first router carried ends in silence.
    await setSystem(router, 'net.ipv4.ip_forward=1', 'net.netfilter.nf_conntrack_tcp_loose=0')
    await this.#plugIn({ number, namespace: router, card: 'wan', impairment: undefined })
    const first = this.#namespaces.nameOf(`r${site}`)
    await ip('-n', first, 'link', 'add', 'second', 'type', 'veth', 'peer', 'name', 'lan', 'netns', router)
    await ip('-n', first, 'link', 'set', 'second', 'master', 'lan', 'up')
    await ip('-n', router, 'address', 'add', `${secondGateway}/24`, 'dev', 'lan')
    await ip('-n', router, 'link', 'set', 'lan', 'up')
    await giveRules(router, rulesOf(kind))
  }

  async #addInside(
    site: number,
    index: number,
    { kind, ipv6 }: Pick<HomeInit, 'kind' | 'ipv6'>
  ): Promise<InternetHost> {
    const router = this.#namespaces.nameOf(`r${site}`)
    const namespace = await this.#namespaces.add(`h${site}-${index}`)
    const port = `l${index}`
    const address = `${lanIpv4}.${site * hostsOfSite + index}`
    await ip('-n', router, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
    await ip('-n', router, 'link', 'set', port, 'master', 'lan', 'up')
    await setSystem(namespace, ipv6 ? 'net.ipv6.conf.eth0.accept_dad=0' : 'net.ipv6.conf.eth0.disable_ipv6=1')
    await ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
    await ip('-n', namespace, 'link', 'set', 'eth0', 'up')
    await ip('-n', namespace, 'route', 'add', 'default', 'via', gateway)
    const inside = kind === 'ipv6' ? `${prefixOf(site)}::${index + 1}` : undefined
    if (inside !== undefined) {
      await ip('-n', namespace, 'address', 'add', `${inside}/64`, 'dev', 'eth0', 'nodad')
      await ip('-n', namespace, '-6', 'route', 'add', 'default', 'via', `${prefixOf(site)}::1`)
    }
    const other = `${lanIpv4}.${site * hostsOfSite + index + hostsOfSite / 2}`
    return hostOf(namespace, { address, ipv6: inside, other, gateway })
  }

  /** Gives a namespace a card on the public segment. @returns what can be done to its line */
  async #plugIn(init: PlugInit): Promise<Pick<Site, 'readdress' | 'setUdp' | 'cut' | 'repair'>> {
    const { number, namespace, card, impairment } = init
    const near = `w${number}`
    await ip('-n', this.#net, 'link', 'add', near, 'type', 'veth', 'peer', 'name', card, 'netns', namespace)
    const port = impairment === undefined ? near : await this.#slowPort(near, init, impairment)
    await ip('-n', this.#net, 'link', 'set', port, 'master', segment, 'up')
    await setSystem(namespace, `net.ipv6.conf.${card}.accept_dad=0`)
    await ip('-n', namespace, 'address', 'add', `${publicOf(number)}/24`, 'dev', card)
    await ip('-n', namespace, 'link', 'set', card, 'up')
    await ip('-n', namespace, 'address', 'add', `${publicIpv6Of(number)}/64`, 'dev', card, 'nodad')
    await ip('-n', namespace, '-6', 'route', 'add', 'default', 'via', `${publicIpv6}::1`)
    return {
      readdress: async () => {
        await ip('-n', namespace, '-4', 'address', 'flush', 'dev', card)
        await ip('-n', namespace, 'address', 'add', `${publicOf(number, hostsOfSite / 2)}/24`, 'dev', card)
      },
      setUdp: async (state) => giveRules(namespace, state === 'dropped' ? udpDropped : 'delete table inet cut'),
      cut: async () => ip('-n', this.#net, 'link', 'set', port, 'nomaster'),
      repair: async () => ip('-n', this.#net, 'link', 'set', port, 'master', segment)
    }
  }

  /** @returns the card on the segment that a slow link leads to */
  async #slowPort(near: string, { number, namespace, card }: PlugInit, impairment: Impairment): Promise<string> {
    const [far, port] = [`x${number}`, `y${number}`]
    await ip('-n', this.#net, 'link', 'add', far, 'type', 'veth', 'peer', 'name', port)
    for (const one of [near, far]) {
      await setSystem(this.#net, `net.ipv6.conf.${one}.disable_ipv6=1`)
      await ip('-n', this.#net, 'link', 'set', one, 'up')
    }
    const net = inNamespace(this.#net)
    await makePlain(inNamespace(namespace), card)
    await makePlain(net, port)
    this.#slowLinks.push(await SlowLink.between(net, [near, far], { ...impairment, seed: number }))
    return port
  }
}

interface HomeInit {
  readonly number: number
  readonly kind: RouterKind
  readonly hosts: number
  readonly ipv6: boolean
  readonly line: Impairment | undefined
}

interface PlugInit {
  readonly number: number
  readonly namespace: string
  readonly card: string
  readonly impairment: Impairment | undefined
}

function publicOf(site: number, index = 0): string {
  return `${publicIpv4}.${site * hostsOfSite + index}`
}

/** On the public segment. */
function publicIpv6Of(site: number): string {
  return `${publicIpv6}::${site}0`
}

/** The IPv6 addresses of a site that has them. */
function prefixOf(site: number): string {
  return `${publicIpv6}:${site}`
}

function hostOf(
  namespace: string,
  {
    address,
    ipv6,
    other,
    gateway: through
  }: Pick<InternetHost, 'address' | 'ipv6'> & { readonly other: string; readonly gateway: string | undefined }
): InternetHost {
  return {
    address,
    ipv6,
    wrapper: inNamespace(namespace),
    readdress: async () => {
      await ip('-n', namespace, '-4', 'address', 'flush', 'dev', 'eth0')
      await ip('-n', namespace, 'address', 'add', `${other}/24`, 'dev', 'eth0')
      if (through !== undefined) await ip('-n', namespace, 'route', 'replace', 'default', 'via', through)
    },
    reroute: async () => ip('-n', namespace, 'route', 'replace', 'default', 'via', secondGateway),
    addAddress: async (one) => ip('-n', namespace, 'address', 'add', `${one}/32`, 'dev', 'eth0'),
    setCard: async (state) => {
      await ip('-n', namespace, 'link', 'set', 'eth0', state)
      // A card that was down has lost its routes.
      if (state === 'up' && through !== undefined)
        await ip('-n', namespace, 'route', 'replace', 'default', 'via', through)
    }
  }
}

async function addBridge(namespace: string, name: string): Promise<void> {
  await ip('-n', namespace, 'link', 'add', name, 'type', 'bridge', 'mcast_snooping', '0')
  await ip('-n', namespace, 'link', 'set', name, 'up')
}

async function setSystem(namespace: string, ...settings: readonly string[]): Promise<void> {
  await run('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', ...settings])
}

/** Frames that stay on a switch are no business of a router's rules. Where the system has no such filter, none is off. */
async function noBridgeFilter(namespace: string): Promise<void> {
  for (const family of ['iptables', 'ip6tables'])
    await setSystem(namespace, `net.bridge.bridge-nf-call-${family}=0`).catch(() => undefined)
}

async function giveRules(router: string, rules: string): Promise<void> {
  const nft = spawn('ip', ['netns', 'exec', router, 'nft', '-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  nft.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  // It may have ended before it has read them: its exit code says so.
  nft.stdin.on('error', () => undefined)
  nft.stdin.end(rules)
  const [code] = (await once(nft, 'close')) as [number | null]
  if (code !== 0) throw new Error(`nft ended with ${code}: ${said.trim()}`)
}
