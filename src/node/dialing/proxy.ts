// The HTTP proxy by which hosts are reached, as the settings have it.
import { isExempt, readProxy, type HttpProxy } from '../../lib/index.ts'
import type { Settings } from '../config/setting-specs.ts'

/** This machine is never reached by a proxy. */
const ownHosts = ['localhost', '127.0.0.1', '::1']

/** @returns the proxy of each host; undefined where there is none for any */
export function proxyOf(
  settings: Pick<Settings, 'proxy' | 'proxyExcept'>
): ((host: string) => HttpProxy | undefined) | undefined {
  const proxy = settings.proxy === undefined ? undefined : readProxy(settings.proxy)
  if (proxy === undefined || settings.proxy === 'none') return undefined
  const exempt = [...ownHosts, ...settings.proxyExcept]
  return (host) => (isExempt(host, exempt) ? undefined : proxy)
}

/** `HOST:PORT` of the proxy in use, without a password. */
export function proxyPlace(settings: Pick<Settings, 'proxy' | 'proxyExcept'>): string | undefined {
  const proxy = proxyOf({ ...settings, proxyExcept: [] })?.('')
  return proxy === undefined ? undefined : `${proxy.host}:${proxy.port}`
}
