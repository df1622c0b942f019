/**
 * Direct paths: two contacts that talk through a relay make a path of their own through
 * their routers, over UDP. `stun` says where a socket is seen from outside.
 */

export { NoDirectPathError, type NoDirectPathWhy, NoWayThroughError } from './direct-errors.ts'
export { type DirectInit, DirectPaths } from './direct-paths.ts'
export { type SendDatagram, StunClient, type StunServer } from './stun/index.ts'
