// Faces in other processes than their node: what a node serves them, and the node
// as they see it.
export { AttachedNode } from './attached-node.ts'
export { attachedNode, daemonAt, faceSocket, serveFaces, serveWhileLocked, type RunningDaemon } from './face-socket.ts'
