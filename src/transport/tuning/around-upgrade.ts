/**
 * The place where a connection can be looked at before anything is sent on it:
 * an upgrader that hands each one to another function first. Knows neither
 * sockets nor what is agreed on them.
 */

import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'

type Way = 'upgradeInbound' | 'upgradeOutbound'
type Options<W extends Way> = Parameters<Upgrader[W]>[1]

/** @param run does the upgrade of each connection of this way, when and if it should be done */
export function aroundUpgrade<W extends Way>(
  upgrader: Upgrader,
  way: W,
  run: (connection: MultiaddrConnection, options: Options<W>, upgrade: () => Promise<unknown>) => Promise<unknown>
): Upgrader {
  return new Proxy(upgrader, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== way) return value.bind(target) as unknown
      return async (...args: Parameters<Upgrader[W]>) =>
        run(args[0], args[1], async () => value.apply(target, args) as unknown)
    }
  })
}

/**
 * @param look is given each connection of these ways, and what the upgrader is asked with it; what it returns is called
 *   when the upgrade has ended, well or not
 */
export function beforeUpgrade<W extends Way>(
  upgrader: Upgrader,
  ways: readonly W[],
  look: (connection: MultiaddrConnection, options: Options<W>) => (() => void) | undefined | void
): Upgrader {
  return ways.reduce(
    (before, way) =>
      aroundUpgrade(before, way, async (connection, options, upgrade) => {
        const ended = look(connection, options)
        try {
          return await upgrade()
        } finally {
          ended?.()
        }
      }),
    upgrader
  )
}
