// A directory's HTTP side. A second way into src/directory, for what only a
// directory node needs, so that a chat does not load it.
export { HTTP_HOST, HTTP_PORT_OFFSET, HTTP_PORT_TRIES } from './constants.ts'
export { httpConnectionsWithin } from './http-connections.ts'
export { HttpHostError, HttpPortTakenError } from './errors.ts'
export { directoryFigures } from './metrics.ts'
export type { DirectoryFigures } from './metrics.ts'
export { readPageFiles } from './page-files.ts'
export type { EvictionReport } from './evictions.ts'
export type { PeerPath } from './roster-api.ts'
export type { Fellow } from './roster-feed.ts'
export { RosterHttp } from './roster-http.ts'
export type { HttpMisbehaviour } from './roster-http.ts'
