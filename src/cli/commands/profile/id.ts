// `parley id`: the user's identity on the network, for others to type or to scan. A file of
// its own, so that the command loads nothing but the key.
import type { Command } from 'commander'
import { escapedJson } from '../../process/clean-text.ts'
import { writeLines, type CommandIo } from '../../process/io.ts'
import { flagsOf, hasSwitch } from '../../options/given-options.ts'
import { exitCodes, loadConfig, type ExitCode } from '../../../node/settings.ts'
import { identityLines } from '../../wording/identity-wording.ts'
import { scannedAddress } from '../../wording/scanned-address.ts'

export async function runId(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const { readOwnIdentity } = await import('../../../node/index.ts')
  const identity = await readOwnIdentity(config)
  if (hasSwitch(command, 'json')) writeLines(io.stdout, [escapedJson(identity)])
  else writeLines(io.stdout, identityLines(identity))
  if (!hasSwitch(command, 'qr')) return exitCodes.ok
  const { renderUnicodeCompact } = await import('uqr')
  const [address = identity.peer] = identity.addresses
  writeLines(io.stdout, ['', address, ...renderUnicodeCompact(scannedAddress(address)).split('\n')])
  return exitCodes.ok
}
