// The logger of libp2p unless its log is asked for. Its own logger looks at
// the terminal and makes three functions for each connection, stream and
// handshake, which cost a directory time and memory for lines that are not
// written. `NODE_DEBUG=libp2p DEBUG='libp2p:*'` brings libp2p's own back.
import type { ComponentLogger, Logger } from '@libp2p/interface'
import { debuglog } from 'node:util'
import { allTuning } from './tuning.ts'
import type { Tuning } from './tuning.ts'

const nothing = (): void => undefined
const quiet: Logger = Object.assign(() => undefined, {
  enabled: false,
  error: nothing,
  trace: Object.assign(() => undefined, { enabled: false }),
  newScope: () => quiet
})

/** @returns the options of a libp2p node for its log */
export function loggerOptions(
  logger: ComponentLogger | undefined,
  { quietLogger }: Pick<Tuning, 'quietLogger'> = allTuning
): { readonly logger?: ComponentLogger } {
  if (logger !== undefined) return { logger }
  return !quietLogger || debuglog('libp2p').enabled ? {} : { logger: { forComponent: () => quiet } }
}
