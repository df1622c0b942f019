// `parley id`: who one is on the network, for somebody else to type or to scan.
import type { Command } from 'commander'
import { networkInterfaces } from 'node:os'
import { cleanText, escapedJson } from '../clean-text.ts'
import { writeLines, type CommandIo } from '../io.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { exitCodes, loadConfig, type Config, type ExitCode } from '../settings.ts'
import { type Identity } from '../chat-command.ts'
import { identityOf } from '../chat-commands.ts'
import { identityLines } from '../wording.ts'

export async function runId(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const identity = await readIdentity(config)
  if (hasSwitch(command, 'json')) writeLines(io.stdout, [escapedJson(identity)])
  else
    writeLines(
      io.stdout,
      identityLines(identity).map((line) => cleanText(line))
    )
  if (!hasSwitch(command, 'qr')) return exitCodes.ok
  const { renderUnicodeCompact } = await import('uqr')
  const [address = identity.peer] = identity.addresses
  writeLines(io.stdout, ['', renderUnicodeCompact(address), address])
  return exitCodes.ok
}

/** Without going on the network: the addresses are those that a chat on this machine would have. */
async function readIdentity(config: Config): Promise<Identity> {
  const { ChatNode } = await import('../../node/index.ts')
  const node = await ChatNode.create({ config, interactive: false })
  try {
    const { host } = config.settings
    const hosts = host === undefined || host === '0.0.0.0' || host === '::' ? machineHosts() : [host]
    const addresses = hosts.map(
      (ip) => `/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/${node.port}/p2p/${node.peerId}`
    )
    return { ...identityOf(node), addresses }
  } finally {
    await node.stop()
  }
}

function machineHosts(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  const isLinkLocal = (address: string): boolean => address.startsWith('fe80:')
  const outward = all.filter(({ internal, address }) => !internal && !isLinkLocal(address))
  return outward.length > 0 ? outward.map(({ address }) => address) : ['127.0.0.1']
}
