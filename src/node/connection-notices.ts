// The notices about connections, in words: that there are too many, what is done about
// it and what the user can do; and whether a named relay is in use. Pure.
import type { Multiaddr } from '@multiformats/multiaddr'
import { shortId } from '../lib/index.ts'
import { type NamedRelayState, RelayRefusedError, type RelayStatus } from '../relay/index.ts'
import type { Pressure } from '../transport/index.ts'
import { canonicalIp } from '../wire/index.ts'
import type { Notice } from './api/chat-events.ts'
import { durationText, sizeText } from './config/setting-values.ts'
import { formatAddress } from './dialing/address.ts'

const MS_PER_SECOND = 1_000

export function pressureNotice(pressure: Pressure): Notice {
  return { code: 'too-many-connections', text: pressureText(pressure) }
}

/** @param pressure is either end of an episode */
export function pressureText(pressure: Pressure): string {
  if (pressure.is === 'began') {
    const { from, open, maxOpen, pending, holders } = pressure
    const held = holders.find((holder) => holder.from === from)?.connections ?? 0
    const counts = `${held} of its own, ${open} of ${maxOpen} in all, ${pending} more not identified yet`
    return (
      `Too many connections from ${from} (${counts}). Its oldest ones are closed to make room for others. ` +
      adviceAgainst(from)
    )
  }
  const { from, ended, endedFrom, lastedMs } = pressure
  const seconds = Math.max(1, Math.round(lastedMs / MS_PER_SECOND))
  const closed = ended === 1 ? '1 was closed' : `${ended} were closed`
  const share = endedFrom === ended ? '' : ` ${endedFrom} of them`
  return `Connections are back to normal. For ${seconds} s there were too many: ${closed},${share} from ${from}.`
}

/** @param from an address class: of relayed peers it names no address, but the source that their relay states, or nothing */
function adviceAgainst(from: string): string {
  const [address = ''] = from.split('/')
  return canonicalIp(address) === undefined
    ? "They come through a relay, so a firewall here can't tell them from others."
    : 'If this goes on, block that address in your firewall.'
}

/** Why a named relay refuses a reservation, and what the user can do about it. */
const refusals: Partial<Record<RelayStatus, string>> = {
  'permission-denied': 'it does not relay for you. A directory relays for those who use it: give --directory too',
  'reservation-refused': 'it has no place for you. Name another one, or wait',
  'resource-limit-exceeded': 'it has no place for you. Name another one, or wait'
}

/** @returns a clause: `the relay at 203.0.113.7:4001 can't be used: it does not relay` */
export function lostRelayText(address: Multiaddr, why: Error): string {
  return `the relay at ${formatAddress(address)} can't be used: ${whyLost(why)}`
}

function whyLost(why: Error): string {
  return (why instanceof RelayRefusedError ? refusals[why.status] : undefined) ?? why.message
}

/** @param address as the user named the relay */
export function relayNotice(address: Multiaddr, state: NamedRelayState): Notice {
  if (state.is === 'lost') {
    const text = `The relay at ${formatAddress(address)} can't be used: ${whyLost(state.why)}. Parley tries again.`
    return { code: 'relay', text }
  }
  const { relay, allowance } = state
  const text = `Others who name the relay ${shortId(relay)} reach you through it.`
  const limits = [
    ...(allowance.durationS === Infinity ? [] : [`after ${durationText(allowance.durationS * MS_PER_SECOND, '')}`]),
    ...(allowance.bytes === Infinity ? [] : [`after ${sizeText(allowance.bytes)} each way`])
  ]
  if (limits.length === 0) return { code: 'relay', text }
  return { code: 'relay', text: `${text} It ends a connection ${limits.join(' or ')}; Parley then makes a new one.` }
}
