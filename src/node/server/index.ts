// What runs a directory or a relay. It is an entry point of its own, so that a chat loads neither
// a directory's federation with its gossip nor the server's side of any protocol.
export { pressureText } from '../pressure-notice.ts'
export { DirectoryNode, firstFreeDirectoryPort } from './directory-node.ts'
export type { PageWish } from './directory-page.ts'
export { RelayNode } from './relay-node.ts'
export type { NodeLoad } from './server-node.ts'
