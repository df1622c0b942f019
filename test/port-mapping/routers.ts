// Routers on loopback, for the tests of this folder: they speak PCP, NAT-PMP or UPnP, and
// lie or are silent as a test wants it.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { onTestFinished } from 'vitest'

export const gateway = '127.0.0.1'

export interface NatPmpRouter {
  readonly port: number
  /** Public ports that lead to a port, each with its lease. */
  readonly mapped: Map<number, { readonly publicPort: number; readonly leaseS: number }>
  readonly requests: Buffer[]
}

interface NatPmpHabits {
  readonly publicAddress?: readonly number[]
  readonly result?: number
  readonly leaseS?: number
  /** Answers with these bytes, whatever it is asked. */
  readonly says?: Uint8Array
  /** The life that it grants, whatever is asked for. */
  readonly grantsS?: number
  /** Who asks: before it is answered. */
  readonly onRequest?: (from: RemoteInfo, router: Socket) => void
  /** It does not hear the first requests. */
  readonly losesFirst?: number
  /** It does what it is told, and its answers about ports are lost. */
  readonly isMute?: boolean
}

export async function natPmpRouter({
  publicAddress = [203, 0, 113, 5],
  result = 0,
  leaseS,
  grantsS,
  says,
  losesFirst = 0,
  isMute = false,
  onRequest
}: NatPmpHabits = {}): Promise<NatPmpRouter> {
  const socket = createSocket('udp4')
  const router: NatPmpRouter = { port: 0, mapped: new Map(), requests: [] }
  onTestFinished(() => {
    socket.close()
  })
  socket.on('message', (request, from) => {
    const { port, address } = from
    router.requests.push(request)
    onRequest?.(from, socket)
    if (router.requests.length <= losesFirst) return
    const answer = says ?? answerTo(request)
    if (!isMute || request.readUInt8(1) === 0) socket.send(answer, port, address)
  })
  const answerTo = (request: Buffer): Buffer => {
    const opcode = request.readUInt8(1)
    const answer = Buffer.alloc(opcode === 0 ? 12 : 16)
    answer.writeUInt8(opcode + 128, 1)
    answer.writeUInt16BE(result, 2)
    if (opcode === 0) {
      Buffer.from(publicAddress).copy(answer, 8)
      return answer
    }
    const [own, wanted, wantedS] = [request.readUInt16BE(4), request.readUInt16BE(6), request.readUInt32BE(8)]
    const given = grantsS ?? Math.min(leaseS ?? wantedS, wantedS)
    if (wantedS === 0) router.mapped.delete(own)
    else router.mapped.set(own, { publicPort: wanted, leaseS: given })
    answer.writeUInt16BE(own, 8)
    answer.writeUInt16BE(wanted, 10)
    answer.writeUInt32BE(given, 12)
    return answer
  }
  const listening = once(socket, 'listening')
  socket.bind(0, gateway)
  await listening
  return Object.assign(router, { port: socket.address().port })
}

export interface PcpRouter {
  readonly port: number
  /** By the port that they lead to. */
  readonly mapped: Map<number, { readonly publicPort: number; readonly leaseS: number; readonly nonce: string }>
  readonly requests: Buffer[]
}

interface PcpHabits {
  /** 16 bytes; default an IPv4 address. */
  readonly publicAddress?: readonly number[]
  readonly result?: number
  /** The life that it grants, whatever is asked for. */
  readonly grantsS?: number
  /** Who asks: before it is answered. */
  readonly onRequest?: (from: RemoteInfo, router: Socket) => void
  /** Answers with these bytes, whatever it is asked. */
  readonly says?: Uint8Array
  /** It does what it is told, and its answers are lost. */
  readonly isMute?: boolean
}

export async function pcpRouter({
  publicAddress = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 5],
  result = 0,
  grantsS,
  says,
  isMute = false,
  onRequest
}: PcpHabits = {}): Promise<PcpRouter> {
  const socket = createSocket('udp4')
  const router: PcpRouter = { port: 0, mapped: new Map(), requests: [] }
  onTestFinished(() => {
    socket.close()
  })
  socket.on('message', (request, from) => {
    const { port, address } = from
    router.requests.push(request)
    onRequest?.(from, socket)
    const answer = says ?? obeyed(request)
    if (!isMute) socket.send(answer, port, address)
  })
  const obeyed = (request: Buffer): Buffer => {
    const [own, leaseS] = [request.readUInt16BE(40), request.readUInt32BE(4)]
    const nonce = request.subarray(24, 36).toString('hex')
    const before = router.mapped.get(own)
    const isOthers = before !== undefined && before.nonce !== nonce
    if (result === 0 && !isOthers) {
      if (leaseS === 0) router.mapped.delete(own)
      else router.mapped.set(own, { publicPort: request.readUInt16BE(42), leaseS, nonce })
    }
    const answer = Buffer.from(request)
    answer.writeUInt8(129, 1)
    answer.writeUInt8(isOthers ? 2 : result, 3)
    if (grantsS !== undefined) answer.writeUInt32BE(grantsS, 4)
    answer.fill(0, 8, 24)
    Buffer.from(publicAddress).copy(answer, 44)
    return answer
  }
  const listening = once(socket, 'listening')
  socket.bind(0, gateway)
  await listening
  return Object.assign(router, { port: socket.address().port })
}

export interface UpnpRouter {
  readonly searchAt: { readonly host: string; readonly port: number }
  /** Public ports, each with the order that has opened it. */
  readonly mapped: Map<string, string>
  readonly orders: string[]
}

interface UpnpHabits {
  readonly publicAddress?: string
  /** Where it says that its description is; default where it is. */
  readonly location?: string
  readonly description?: (serviceType: string) => string
  /** Public ports that are another machine's. */
  readonly taken?: readonly string[]
  readonly onlyPermanent?: boolean
  /** It takes orders, and never answers one. */
  readonly hangs?: boolean
  /** It opens ports, and never says so. */
  readonly opensSilently?: boolean
  /** What it gives as the code of its error. */
  readonly errorCode?: string
  /** It answers the question for its description with another protocol than HTTP. */
  readonly switchesProtocol?: boolean
  /** It answers the question for its description with a redirection. */
  readonly redirectsTo?: string
  /** Who searches it: before it is answered. */
  readonly onSearch?: (from: RemoteInfo, router: Socket) => void
}

const serviceType = 'urn:schemas-upnp-org:service:WANIPConnection:1'

export async function upnpRouter({
  publicAddress = '203.0.113.5',
  location,
  description = usualDescription,
  taken = [],
  onlyPermanent = false,
  hangs = false,
  opensSilently = false,
  errorCode,
  switchesProtocol = false,
  redirectsTo,
  onSearch
}: UpnpHabits = {}): Promise<UpnpRouter> {
  const [mapped, orders] = [new Map<string, string>(), [] as string[]]
  const field = (text: string, name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(text)?.[1] ?? ''
  const obey = (text: string): string | undefined => {
    const port = field(text, 'NewExternalPort')
    if (text.includes('GetExternalIPAddress')) return `<NewExternalIPAddress>${publicAddress}</NewExternalIPAddress>`
    if (text.includes('DeletePortMapping')) {
      mapped.delete(port)
      return ''
    }
    if (text.includes('GetSpecificPortMappingEntry')) return mapped.get(port)
    if (taken.includes(port)) return undefined
    mapped.set(port, text)
    return ''
  }
  const server = createServer((request, response) => {
    if (switchesProtocol) {
      request.socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
      return
    }
    if (redirectsTo !== undefined) {
      response.writeHead(302, { location: redirectsTo }).end()
      return
    }
    if (request.method === 'GET') {
      response.end(description(serviceType))
      return
    }
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const text = Buffer.concat(parts).toString()
      orders.push(`${String(request.headers['soapaction'])} ${text}`)
      if (hangs) return
      const isTooShort = onlyPermanent && text.includes('AddPortMapping') && field(text, 'NewLeaseDuration') !== '0'
      const answer = isTooShort ? undefined : obey(text)
      if (opensSilently && text.includes('AddPortMapping')) return
      if (answer === undefined) response.statusCode = 500
      const code = errorCode ?? (isTooShort ? '725' : '718')
      response.end(answer ?? `<errorCode>${code}</errorCode><errorDescription>No</errorDescription>`)
    })
  })
  const served = once(server, 'listening')
  server.listen(0, gateway)
  await served
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const socket = createSocket('udp4')
  socket.on('message', (_search, from) => {
    onSearch?.(from, socket)
    const at = location ?? `http://${gateway}:${port}/desc.xml`
    socket.send(`HTTP/1.1 200 OK\r\nST: x\r\nLocation: ${at}\r\n\r\n`, from.port, from.address)
  })
  const bound = once(socket, 'listening')
  socket.bind(0, gateway)
  await bound
  onTestFinished(() => {
    socket.close()
    server.close()
    server.closeAllConnections()
  })
  return { searchAt: { host: gateway, port: socket.address().port }, mapped, orders }
}

function usualDescription(type: string): string {
  return (
    '<root><device><serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType>' +
    '<controlURL>/l3</controlURL></service></serviceList><deviceList><device><serviceList><service>' +
    `<serviceType>${type}</serviceType><controlURL>/ctl/IPConn</controlURL></service></serviceList></device></deviceList></device></root>`
  )
}
