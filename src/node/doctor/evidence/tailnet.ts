// The machines of the user's tailnet (Tailscale), as its program tells them: addresses at
// which a peer may answer when no other does.
import { isIPv4 } from 'node:net'
import { isJson, parseJson } from '../../../lib/index.ts'
import { printed } from './system-command.ts'

/** Machines that are tried: more than a person has. */
const MAX_TAILNET_MACHINES = 16

export interface TailnetMachine {
  readonly name: string
  readonly ip: string
}

/** @returns the machines that are online; none where there is no Tailscale, or it is off */
export async function tailnetMachines(signal: AbortSignal): Promise<readonly TailnetMachine[]> {
  const text = await printed('tailscale', ['status', '--json'], signal)
  return text === undefined ? [] : readTailnet(text)
}

export function readTailnet(text: string): readonly TailnetMachine[] {
  const listed = parseJson(text)?.['Peer']
  const peers = isJson(listed) ? Object.values(listed) : []
  const online = peers.filter(isJson).filter((one) => one['Online'] === true)
  const machines = online.flatMap(({ HostName: name, TailscaleIPs: ips }) => {
    const ip = Array.isArray(ips) ? ips.find((one) => typeof one === 'string' && isIPv4(one)) : undefined
    return typeof ip === 'string' && typeof name === 'string' ? [{ name, ip }] : []
  })
  return machines.slice(0, MAX_TAILNET_MACHINES)
}
