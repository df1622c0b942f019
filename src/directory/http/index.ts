// A directory's HTTP side. A second way into src/directory, for what only a
// directory node needs, so that a chat does not load it.
export { RosterHttp } from './roster-http.ts'
export { httpConnectionsWithin } from './http-connections.ts'
export { directoryFigures } from './metrics.ts'
export type { DirectoryFigures } from './metrics.ts'
export { readPageFiles } from './http-answers.ts'
export type { EvictionReport } from './http-connections.ts'
export type { PeerPath } from './roster-api.ts'
export type { OtherDirectory } from './roster-feed.ts'
export type { HttpMisbehaviour } from './roster-http.ts'
