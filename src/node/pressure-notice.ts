// The notice that there are too many connections, in words: what is done about it and
// what the user can do. Pure.
import { MS_PER_SECOND } from '../lib/index.ts'
import type { Pressure } from '../transport/index.ts'
import { canonicalIp } from '../wire/index.ts'
import type { Notice } from './api/notices.ts'

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
