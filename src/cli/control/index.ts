// The socket by which commands reach the parley that runs on their profile.
export { serveControl } from './serve-control.ts'
export { onProfile, type ProfileWork } from './on-profile.ts'
export { type SendingNode, type Sent } from './running-node.ts'
export { runningHistory } from './running-history.ts'
export { runningSafety } from './running-safety.ts'
export { runningParley, type Json, type RunningParley } from './running-parley.ts'
export { sendOnProfile } from './send-on-profile.ts'
