/**
 * The transport: what stands between sockets and the libp2p host. It knows
 * connections as bytes, addresses and peers, and no protocol above them.
 */

export { chatLimits, ConnectionGuard, type ConnectionGuardInit, directoryLimits } from './connection-guard.ts'
export type { ConnectionFigures, Pressure } from './connection-guard.ts'
export type { Standing } from './connection-places.ts'
export { defaultGateway } from './default-gateway.ts'
export { defaultRoutes } from './default-routes.ts'
export { departedPeers } from './departed-peers.ts'
export { commonServices, directoryServices, type HostInit, hostOptions, linkWatch } from './host.ts'
export type { Remote } from './host.ts'
export { nameLookups } from './name-lookups.ts'
export { INTERFACE_POLL_MS, InterfaceWatch, networkInterfaces, zoneOf } from './network-interfaces.ts'
export type { Interfaces } from './network-interfaces.ts'
export { offenderGater, Offenders } from './offenders.ts'
export { limitsWithin, openFileLimit } from './open-files.ts'
export { beforeUpgrade } from './tuning/around-upgrade.ts'
export { boundedYamux, yamuxInit } from './tuning/bounded-yamux.ts'
export { NO_NOISE } from './tuning/eager-noise.ts'
export { MAX_PEER_ID_CHARS } from './tuning/peer-id-bounds.ts'
export { ProxyError } from './websocket/http-proxy.ts'
export { WebSocketRefusedError } from './websocket/upgrade.ts'
export { webSocketAddress, webSocketPlaceOf, webSocketUrl } from './websocket/websocket-address.ts'
export { cutFromSmallPieces } from './tuning/spare-buffers.ts'
