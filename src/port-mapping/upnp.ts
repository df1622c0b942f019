// Asks a router by UPnP (Internet Gateway Device, 1 and 2): searches it, reads where it
// takes orders, and gives them. Only the machine at the default route is listened to,
// and nothing is asked for anywhere else, whatever it answers.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'
import { orAborted } from '../wire/index.ts'
import { exchange } from './bounded-http.ts'
import {
  checkedPort,
  NoPortMappingError,
  type PortMapping,
  type PortMappingRequest,
  type PortMapper,
  undoIfAborted
} from './port-mapper.ts'
import {
  between,
  type ControlPoint,
  controlPoint,
  descriptionUrl,
  order,
  searchRequest,
  SSDP_GROUP,
  SSDP_PORT
} from './upnp-messages.ts'

/** A gateway answers within a second, as it is asked to, and a search may be lost. */
const SEARCH_TIMEOUT_MS = 2_500

/** When the search is sent, in milliseconds from the first. */
const SEARCHED_AT_MS = [0, 800] as const

/** Small machines take a while to answer. */
const ORDER_TIMEOUT_MS = 4_000

/** Public ports that are tried where the wished one is another machine's. */
const PORT_TRIES = 4

/** The ports that are tried then: those that no service has by rule (RFC 6335, 6). */
const FREE_PORTS = { first: 49_152, count: 16_384 } as const

/** Errors of the standard (WANIPConnection, 2.4.16): the port is taken; the router knows only mappings without an end. */
const upnpErrors = { conflict: '718', permanentOnly: '725' } as const

interface UpnpInit {
  /** The router: an IPv4 address. */
  readonly gateway: string
  /** Where it is searched for; default the group and port of SSDP. */
  readonly searchAt?: { readonly host: string; readonly port: number }
  readonly random?: () => number
}

/** The codes of the standard have three digits (UPnP Device Architecture 1.1, 3.2.2): another text is none. */
const UPNP_ERROR_CODE = /^\d{3}$/u

/** Of what a router gives as its reason: enough for a sentence. */
const MAX_REASON_CHARS = 80

class UpnpRefusal extends NoPortMappingError {
  readonly code: string

  constructor(code: string, text: string) {
    super(`the router refuses: ${text === '' ? 'no reason' : text} (${code})`)
    this.code = code
  }
}

export function upnp({
  gateway,
  searchAt = { host: SSDP_GROUP, port: SSDP_PORT },
  random = Math.random
}: UpnpInit): PortMapper {
  return {
    protocol: 'UPnP',
    open: async (request: PortMappingRequest): Promise<PortMapping> => {
      const { signal } = request
      const { location, localAddress } = await search(gateway, searchAt, signal)
      const { status, body } = await exchange(location, within(ORDER_TIMEOUT_MS, signal))
      const control = status === 200 ? controlPoint(body, location) : undefined
      if (control === undefined) throw new NoPortMappingError('the router does not say where it opens ports')
      const publicAddress =
        between(await give(control, 'GetExternalIPAddress', {}, signal), 'NewExternalIPAddress') ?? ''
      if (!isIPv4(publicAddress)) throw new NoPortMappingError('the router has no address on the Internet')
      const mapped = await mapAny(control, request, { localAddress, random })
      return {
        protocol: 'UPnP',
        localAddress,
        port: request.port,
        publicAddress,
        ...mapped,
        close: async (options) => {
          await give(control, 'DeletePortMapping', mappingAt(mapped.publicPort), options.signal)
        }
      }
    }
  }
}

/** Who answers at the default route, and the address of this machine on the way there. */
async function search(
  gateway: string,
  at: NonNullable<UpnpInit['searchAt']>,
  signal: AbortSignal
): Promise<{ readonly location: URL; readonly localAddress: string }> {
  const localAddress = await localAddressTo(gateway)
  const socket = createSocket('udp4')
  const { promise, resolve, reject } = Promise.withResolvers<URL>()
  socket.on('error', reject)
  socket.on('message', (bytes, from) => {
    const url = from.address === gateway ? descriptionUrl(bytes.toString('latin1'), gateway) : undefined
    if (url !== undefined) resolve(url)
  })
  const timers: NodeJS.Timeout[] = []
  try {
    socket.bind(0, localAddress)
    await once(socket, 'listening')
    socket.setMulticastInterface(localAddress)
    const text = searchRequest()
    const send = (): void =>
      socket.send(text, at.port, at.host, (error) => (error === null ? undefined : reject(error)))
    for (const afterMs of SEARCHED_AT_MS) timers.push(setTimeout(send, afterMs))
    timers.push(setTimeout(() => reject(new NoPortMappingError('the router does not answer')), SEARCH_TIMEOUT_MS))
    return { location: await orAborted(promise, signal), localAddress }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof NoPortMappingError
      ? error
      : new NoPortMappingError("the router can't be searched for", { cause: error })
  } finally {
    promise.catch(() => undefined)
    for (const timer of timers) clearTimeout(timer)
    socket.close()
  }
}

/** The system chooses the address by its routes; nothing is sent. */
async function localAddressTo(gateway: string): Promise<string> {
  const socket = createSocket('udp4')
  try {
    const connected = once(socket, 'connect')
    socket.connect(SSDP_PORT, gateway)
    await connected
    return socket.address().address
  } catch (cause) {
    throw new NoPortMappingError('there is no way to the router', { cause })
  } finally {
    socket.close()
  }
}

/** Another public port where the wished one is taken, and without an end where the router knows none. */
async function mapAny(
  control: ControlPoint,
  { port, publicPort, leaseS, signal }: PortMappingRequest,
  { localAddress, random }: { readonly localAddress: string; readonly random: () => number }
): Promise<{ readonly publicPort: number; readonly leaseS: number }> {
  let [wanted, lease] = [publicPort === 0 ? port : publicPort, leaseS]
  for (let tries = 1; ; tries++) {
    const values = {
      ...mappingAt(checkedPort(wanted)),
      NewInternalPort: port,
      NewInternalClient: localAddress,
      NewEnabled: 1,
      NewPortMappingDescription: 'Parley',
      NewLeaseDuration: lease
    }
    try {
      const orderedPort = wanted
      await undoIfAborted(signal, {
        order: async () => give(control, 'AddPortMapping', values, signal),
        undo: async (inTime) => closeOwn(control, { publicPort: orderedPort, port, localAddress, signal: inTime })
      })
      return { publicPort: wanted, leaseS: lease === 0 ? Infinity : lease }
    } catch (error) {
      if (!(error instanceof UpnpRefusal) || tries === PORT_TRIES) throw error
      if (error.code === upnpErrors.conflict) wanted = FREE_PORTS.first + Math.floor(random() * FREE_PORTS.count)
      else if (error.code === upnpErrors.permanentOnly && lease !== 0) lease = 0
      else throw error
    }
  }
}

/** Closes the port where it leads here: an order that came to nothing has left the mapping of another machine there. */
async function closeOwn(
  control: ControlPoint,
  own: {
    readonly publicPort: number
    readonly port: number
    readonly localAddress: string
    readonly signal: AbortSignal
  }
): Promise<void> {
  const which = mappingAt(own.publicPort)
  const entry = await give(control, 'GetSpecificPortMappingEntry', which, own.signal)
  const [client, port] = [between(entry, 'NewInternalClient'), between(entry, 'NewInternalPort')]
  if (client !== own.localAddress || port !== String(own.port)) return
  await give(control, 'DeletePortMapping', which, own.signal)
}

/** What names a mapping. */
function mappingAt(publicPort: number): Readonly<Record<string, string | number>> {
  return { NewRemoteHost: '', NewExternalPort: publicPort, NewProtocol: 'TCP' }
}

/** @returns the answer */
async function give(
  { url, serviceType }: ControlPoint,
  action: string,
  values: Readonly<Record<string, string | number>>,
  signal: AbortSignal
): Promise<string> {
  const { status, body } = await exchange(url, within(ORDER_TIMEOUT_MS, signal), {
    headers: { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${serviceType}#${action}"` },
    body: order(serviceType, action, values)
  })
  if (status === 200) return body
  const code = between(body, 'errorCode') ?? ''
  throw new UpnpRefusal(
    UPNP_ERROR_CODE.test(code) ? code : String(status),
    (between(body, 'errorDescription') ?? '').slice(0, MAX_REASON_CHARS)
  )
}

function within(timeoutMs: number, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
}
