// The place where a connection can be looked at before anything is sent on it:
// an upgrader that hands each one on first. Knows neither sockets nor what is
// agreed on them.
import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'

type Way = 'upgradeInbound' | 'upgradeOutbound'

/**
 * @param look is given each connection of these ways, and what the upgrader is asked with it; what it returns is called
 *   when the upgrade has ended, well or not
 */
export function beforeUpgrade<W extends Way>(
  upgrader: Upgrader,
  ways: readonly W[],
  look: (connection: MultiaddrConnection, options: Parameters<Upgrader[W]>[1]) => (() => void) | undefined | void
): Upgrader {
  return new Proxy(upgrader, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (!ways.some((way) => way === name)) return value.bind(target) as unknown
      return async (...args: Parameters<Upgrader[W]>) => {
        const ended = look(args[0], args[1])
        try {
          return (await value.apply(target, args)) as unknown
        } finally {
          ended?.()
        }
      }
    }
  })
}
