// The texts of UPnP's Internet Gateway Device: how it is searched for, where its
// description says that it takes orders, the orders and the answers. Pure: it reads
// what it needs out of a text of a bounded length, and is no parser of XML.

/** The kinds of services that open ports, the newest first. */
const SERVICE_TYPES = [
  'urn:schemas-upnp-org:service:WANIPConnection:2',
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANPPPConnection:1'
] as const

/** Where gateways are searched for (UPnP Device Architecture 1.1, 1.3.2). */
export const SSDP_GROUP = '239.255.255.250'

/** The port of SSDP. */
export const SSDP_PORT = 1_900

/** A gateway may wait so long with its answer, in seconds, so that not all devices answer at once. */
const SEARCH_WITHIN_S = 1

/** Where orders go. */
export interface ControlPoint {
  readonly url: URL
  readonly serviceType: string
}

export function searchRequest(): string {
  return [
    'M-SEARCH * HTTP/1.1',
    `HOST: ${SSDP_GROUP}:${SSDP_PORT}`,
    'MAN: "ssdp:discover"',
    `MX: ${SEARCH_WITHIN_S}`,
    'ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1',
    '',
    ''
  ].join('\r\n')
}

/**
 * @param from who has answered: a description elsewhere is not asked for
 * @returns undefined for what is no answer of a gateway, or leads elsewhere
 */
export function descriptionUrl(answer: string, from: string): URL | undefined {
  const [status = '', ...headers] = answer.split('\r\n')
  if (!/^HTTP\/1\.[01] 200\b/u.test(status)) return undefined
  const location = headers.find((header) => header.toLowerCase().startsWith('location:'))
  const text = location?.slice(location.indexOf(':') + 1).trim() ?? ''
  return URL.canParse(text) ? placedAt(new URL(text), from) : undefined
}

/** @returns where the gateway takes orders; undefined where it opens no ports */
export function controlPoint(description: string, at: URL): ControlPoint | undefined {
  const services = description.split('<service>').slice(1)
  const places = services.map((text) => [between(text, 'serviceType'), between(text, 'controlURL')] as const)
  for (const serviceType of SERVICE_TYPES) {
    const path = places.find(([type, url]) => type === serviceType && url !== undefined)?.[1] ?? ''
    const url = path !== '' && URL.canParse(path, at.href) ? placedAt(new URL(path, at), at.hostname) : undefined
    if (url !== undefined) return { url, serviceType }
  }
  return undefined
}

export function order(serviceType: string, action: string, values: Readonly<Record<string, string | number>>): string {
  const fields = Object.entries(values).map(([name, value]) => `<${name}>${value}</${name}>`)
  return (
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${serviceType}">${fields.join('')}</u:${action}></s:Body></s:Envelope>\r\n`
  )
}

/** @returns the text of the first element of that name */
export function between(text: string, name: string): string | undefined {
  const start = text.indexOf(`<${name}>`)
  const end = text.indexOf(`</${name}>`, start)
  if (start < 0 || end < 0) return undefined
  return text.slice(start + name.length + 2, end).trim()
}

/** Plain HTTP, at that host: a router sends nobody to another machine. */
function placedAt(url: URL, host: string): URL | undefined {
  return url.protocol === 'http:' && url.hostname === host && url.username === '' ? url : undefined
}
