// HTTP proxies as people and the variables HTTPS_PROXY and NO_PROXY write them. Pure.

/** Of `http://`, as other programs read the variable HTTPS_PROXY. */
const DEFAULT_PROXY_PORT = 80

export interface HttpProxy {
  /** An IP address, an IPv6 one without brackets, or a name. */
  readonly host: string
  readonly port: number
  /** `NAME:PASSWORD` */
  readonly credentials?: string
}

/** @returns undefined for a text that is not the URL of an HTTP proxy */
export function readProxy(text: string): HttpProxy | undefined {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url === null || url.protocol !== 'http:' || url.hostname === '') return undefined
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return undefined
  const decoded = [url.username, url.password].map(percentDecoded)
  if (decoded.includes(undefined)) return undefined
  const host = url.hostname.replace(/^\[(.*)\]$/u, '$1')
  const port = url.port === '' ? DEFAULT_PROXY_PORT : Number(url.port)
  return { host, port, ...(url.username === '' ? {} : { credentials: decoded.join(':') }) }
}

function percentDecoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** Whether the host is reached without a proxy. @param exempt hosts, domains with all below them, or `*` for all */
export function isExempt(host: string, exempt: readonly string[]): boolean {
  const name = host.toLowerCase()
  return exempt.some((one) => {
    const domain = one.toLowerCase().replace(/^\*?\./u, '')
    return one === '*' || name === domain || name.endsWith(`.${domain}`)
  })
}
