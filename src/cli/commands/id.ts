// `parley id`: who one is on the network, for somebody else to type or to scan.
import type { Command } from 'commander'
import { escapedJson } from '../clean-text.ts'
import { writeLines, type CommandIo } from '../io.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { exitCodes, loadConfig, type ExitCode } from '../../node/settings.ts'
import { identityLines } from '../wording.ts'

export async function runId(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const { readOwnIdentity } = await import('../../node/index.ts')
  const identity = await readOwnIdentity(config)
  if (hasSwitch(command, 'json')) writeLines(io.stdout, [escapedJson(identity)])
  else writeLines(io.stdout, identityLines(identity))
  if (!hasSwitch(command, 'qr')) return exitCodes.ok
  const { renderUnicodeCompact } = await import('uqr')
  const [address = identity.peer] = identity.addresses
  writeLines(io.stdout, ['', ...renderUnicodeCompact(address).split('\n'), address])
  return exitCodes.ok
}
