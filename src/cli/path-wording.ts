// How the path to a peer is said in words: over what it runs, how long it takes
// there and back, and why there is none. Pure.
import type { PathView } from './chat-api.ts'
import { retryText } from './wording.ts'

export function pathLine(name: string, path: PathView, nowMs: number): string {
  if (path.kind === 'none') return `No path to ${name}: ${path.why}${retryText(path.retryAtMs, nowMs)}.`
  const way = path.kind === 'lan' ? 'over the local network' : 'directly'
  const time = path.rttMs === undefined ? 'not measured yet' : `${path.rttMs} ms there and back`
  return `The path to ${name}: ${way}, ${path.address}, ${time}.`
}
