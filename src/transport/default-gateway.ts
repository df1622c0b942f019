// The router at the IPv4 default route. Linux shows it in a file; elsewhere Node can't
// see it without another program, and there is none.
import { readFileSync } from 'node:fs'

const TABLE = '/proc/net/route'
const UP_AND_GATEWAY = 0x3

/** @returns an IPv4 address; undefined where there is no such route, or the system does not show it */
export function defaultGateway(read: (file: string) => string = readTable): string | undefined {
  const [, ...lines] = read(TABLE).split('\n')
  const routes = lines.flatMap((line) => {
    // `Iface Destination Gateway Flags RefCnt Use Metric Mask …`
    const [, destination, gateway = '', flags = '', , , metric = '', mask] = line.split(/\s+/u)
    const isDefault = destination === '00000000' && mask === '00000000'
    const isUsable = (Number.parseInt(flags, 16) & UP_AND_GATEWAY) === UP_AND_GATEWAY && /^[\dA-F]{8}$/iu.test(gateway)
    return isDefault && isUsable ? [{ gateway, metric: Number(metric) }] : []
  })
  const [best] = routes.toSorted((a, b) => a.metric - b.metric)
  return best === undefined ? undefined : textOf(best.gateway)
}

/** Its bytes are turned round where those of the machine are: as on all that Node runs on but s390x. */
function textOf(gateway: string): string {
  return Buffer.from(gateway, 'hex').toReversed().join('.')
}

function readTable(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
