/**
 * The transport: what stands between sockets and the libp2p host. It knows
 * connections as bytes, addresses and peers, and no protocol above them.
 */

export { beforeUpgrade } from './around-upgrade.ts'
export { chatLimits, ConnectionGuard, directoryLimits } from './connection-guard.ts'
export type { ConnectionFigures, Holder, Pressure } from './connection-guard.ts'
export { limitsWithin, openFileLimit } from './open-files.ts'
export type { Standing } from './connection-places.ts'
export { guardedUpgrade } from './guarded-upgrade.ts'
export { offenderGater } from './offender-gater.ts'
