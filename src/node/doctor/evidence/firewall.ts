// The firewall of this machine as far as this user may look at it, and the commands that
// open it for one kind of packet. Which packets those are is decided elsewhere.
import { readFile } from 'node:fs/promises'
import { isIP, isIPv6 } from 'node:net'
import { platform, userInfo } from 'node:os'
import { type FirewallManager, NftRuleset } from './nft-ruleset.ts'
import { dropsOf, type NftDrop, type Packet } from './nftables.ts'
import { ask, printed } from './system-command.ts'

export interface Firewall {
  /** Undefined where it can't be read. */
  readonly ruleset: NftRuleset | undefined
  /** Who keeps the rules; undefined where none is known to run. */
  readonly manager: FirewallManager | undefined
  /** Rules exist, or may, and only an administrator reads them. */
  readonly isHidden: boolean
  /** Commands need `sudo` before them. */
  readonly needsSudo: boolean
}

export const noFirewall: Firewall = { ruleset: undefined, manager: undefined, isHidden: false, needsSudo: false }

const UFW_CONFIG = '/etc/ufw/ufw.conf'

export async function lookAtFirewall(signal: AbortSignal): Promise<Firewall> {
  if (platform() !== 'linux') return noFirewall
  const [rules, isUfw, isFirewalld] = await Promise.all([
    ask('nft', ['-j', 'list', 'ruleset'], signal),
    isUfwEnabled(),
    printed('firewall-cmd', ['--state'], signal).then((text) => text?.trim() === 'running')
  ])
  const ruleset = rules.is === 'printed' ? NftRuleset.read(rules.text) : undefined
  const found = ruleset !== undefined && ruleset.baseChains.length > 0 ? ruleset.manager : undefined
  return {
    ruleset,
    manager: isFirewalld ? 'firewalld' : isUfw ? 'ufw' : found,
    isHidden: rules.is === 'failed',
    needsSudo: userInfo().uid !== 0
  }
}

async function isUfwEnabled(): Promise<boolean> {
  try {
    return /^\s*ENABLED\s*=\s*"?yes/mu.test(await readFile(UFW_CONFIG, 'utf8'))
  } catch {
    return false
  }
}

/** The chains that drop the packet; none where the rules can't be read. */
export function droppedBy({ ruleset }: Firewall, packet: Packet): readonly NftDrop[] {
  return ruleset === undefined ? [] : dropsOf(packet, ruleset)
}

export function isCertain(drops: readonly NftDrop[]): boolean {
  return drops.some((drop) => drop.isCertain)
}

/** `the chain input of the table inet filter drops UDP to port 5353 that arrives on eth0` */
export function dropText({ family, table, chain, by }: NftDrop, packet: Packet): string {
  const { direction, protocol, targetPort } = packet
  const where = direction === 'in' ? `arrives on ${packet.interface}` : `leaves by ${packet.interface}`
  const how = by === 'policy' ? ', as no rule accepts it' : ''
  const name = `the chain ${chain} of the nftables table ${family} ${table}`
  return `${name} drops ${protocol.toUpperCase()} to port ${targetPort} that ${where}${how}`
}

/**
 * The commands that let packets like this one pass.
 *
 * @param isForAll every interface and address, not only the packet's own target
 */
export function openingCommands(firewall: Firewall, packet: Packet, isForAll = true): readonly string[] {
  const { protocol, targetPort: port, direction } = packet
  const sudo = sudoOf(firewall)
  const isOut = direction === 'out'
  switch (firewall.manager) {
    case 'ufw':
      return [`${sudo}ufw allow ${isOut ? 'out ' : ''}${port}/${protocol}`]
    case 'firewalld':
      if (isOut) return insertions(firewall, packet, isForAll)
      return [
        `${sudo}firewall-cmd --add-port=${port}/${protocol}`,
        `${sudo}firewall-cmd --permanent --add-port=${port}/${protocol}`
      ]
    case 'nftables':
      return insertions(firewall, packet, isForAll)
    case undefined:
      return []
  }
}

function insertions(firewall: Firewall, packet: Packet, isForAll: boolean): readonly string[] {
  const { protocol, targetPort, target } = packet
  // A host name that nobody could look up has no place in a rule.
  const which = isForAll || isIP(target) === 0 ? '' : `${isIPv6(target) ? 'ip6' : 'ip'} daddr ${target} `
  return insertedRules(firewall, droppedBy(firewall, packet), `${which}${protocol} dport ${targetPort} accept`)
}

/** A rule put before all others of these chains. */
export function insertedRules(
  { needsSudo }: Pick<Firewall, 'needsSudo'>,
  drops: readonly NftDrop[],
  rule: string
): readonly string[] {
  const sudo = sudoOf({ needsSudo })
  const inShell = drops.filter(({ table, chain }) => isPlain(table) && isPlain(chain))
  return inShell.map(({ family, table, chain }) => `${sudo}nft 'insert rule ${family} ${table} ${chain} ${rule}'`)
}

/**
 * A command of `ip` about an interface; none where no shell can be given its name, which a container or a VPN has chosen.
 *
 * @param command after `ip `, with the name in its place
 */
export function interfaceCommand(
  firewall: Pick<Firewall, 'needsSudo'>,
  name: string,
  command: (name: string) => string
): readonly string[] {
  return isPlain(name) ? [`${sudoOf(firewall)}ip ${command(name)}`] : []
}

/** A name that a shell, and the program that it runs, reads as nothing else. */
export function isPlain(name: string): boolean {
  return /^\w[\w.@-]*$/u.test(name)
}

/** What stands before a command of an administrator. */
export function sudoOf({ needsSudo }: Pick<Firewall, 'needsSudo'>): string {
  return needsSudo ? 'sudo ' : ''
}
