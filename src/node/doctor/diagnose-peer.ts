// How a peer is reached, path by path, and why not. Pure.
import { shortId } from '../../lib/index.ts'
import type { PathView } from '../api/chat-events.ts'
import { doctorCauses, type DoctorCause, type DoctorFinding } from '../api/doctor-report.ts'
import { blockedPeer, type DialFailure, noAddress } from '../dialing/dial-errors.ts'
import type { PathTrial } from '../dialing/path-trials.ts'
import { type Explanation, whyNoConnection, type WayFailure } from './diagnose-way.ts'
import type { PeerEvidence, Surroundings } from './evidence/evidence.ts'
import { fine, note, problem } from './finding.ts'

/** @param nowMs by the clock of the times in the evidence */
export function peerFindings(peer: PeerEvidence, seen: Surroundings, nowMs: number): readonly DoctorFinding[] {
  const { name, isBlocked, path, tried } = peer
  if (isBlocked) {
    return [
      problem('peer', 'blocked', `${name} can't be reached: ${blockedPeer().message}`, {
        evidence: ['it is on your list of blocked peers'],
        advice: `Type /unblock ${name} in a chat`
      })
    ]
  }
  const isReached = path.kind !== 'none' || tried.trials.some(({ outcome }) => outcome.is === 'open')
  const connected =
    path.kind === 'none'
      ? []
      : [fine('peer', `${name} is connected (${connectedText(path, peer)}${rttText(path.rttMs)})`)]
  const sought =
    path.kind === 'none' && path.retryAtMs !== undefined && !isReached
      ? [
          note(
            'peer',
            `${name} is looked for, and the last try failed: ${path.why}${againText(path.retryAtMs - nowMs)}`
          )
        ]
      : []
  const relayed =
    path.kind === 'relayed' && path.noDirect !== undefined
      ? [note('peer', `${name} has no direct path: ${path.noDirect.why}`)]
      : []
  const paths = tried.trials.map((trial) => pathFinding(trial, { peer, seen, isReached }))
  if (connected.length + paths.length > 0) return [...connected, ...relayed, ...sought, ...distinct(paths)]
  return [
    ...sought,
    problem('peer', 'no-address', `${name} can't be reached: ${noAddress(tried).message}`, {
      advice: `Ask for its address and give it once: parley chat HOST:PORT. Or let both use one directory`
    })
  ]
}

interface Context {
  readonly peer: PeerEvidence
  readonly seen: Surroundings
  /** Another path works: this one is missed by nobody. */
  readonly isReached: boolean
}

function pathFinding(
  { place, kind, relay, host, outcome }: PathTrial,
  { peer, seen, isReached }: Context
): DoctorFinding {
  if (outcome.is === 'open') {
    const at = relay === undefined ? ` at ${place} (${kind}, ` : `, ${relayText(relay, peer)} (`
    return fine('peer', `${peer.name} answers${at}in ${Math.ceil(outcome.tookMs)} ms)`)
  }
  const way = host === undefined ? undefined : peer.ways.get(host)
  const failure = wayFailures[outcome.failure]
  const explanation: Explanation =
    failure === undefined || way === undefined
      ? { cause: ownCauses[outcome.failure] ?? 'no-answer', isLikely: false, evidence: [], advice: '', commands: [] }
      : whyNoConnection({ way, failure, seen, isOnline: peer.isOnline })
  const { cause, ...rest } = explanation
  if (!isReached) return problem('peer', cause, outcome.why, rest)
  // A note has no cause of its own.
  const why = cause === 'no-answer' ? [] : [`${rest.isLikely ? 'likely ' : ''}cause: ${doctorCauses[cause]}`]
  return note('peer', outcome.why, { ...rest, evidence: [...why, ...rest.evidence] })
}

/** What the way may explain. */
const wayFailures: Partial<Readonly<Record<DialFailure, WayFailure>>> = {
  silent: 'silent',
  refused: 'refused',
  'no-route': 'no-route'
}

/** What the other end says itself. */
const ownCauses: Partial<Readonly<Record<DialFailure, DoctorCause>>> = {
  'key-changed': 'key-changed',
  'not-parley': 'not-parley',
  relay: 'relay'
}

function connectedText(path: Exclude<PathView, { kind: 'none' }>, peer: PeerEvidence): string {
  if (path.relay !== undefined) return relayText(path.relay, peer)
  return `${path.kind}, ${path.host ?? path.address}`
}

/** `relayed by the directory 203.0.113.7:8000 (k3Qd7w)` */
function relayText(relay: string, { directories }: PeerEvidence): string {
  const directory = directories.get(relay)
  return `relayed by ${directory === undefined ? shortId(relay) : `the directory ${directory} (${shortId(relay)})`}`
}

function againText(inMs: number): string {
  return `; the next try is in ${Math.max(0, Math.ceil(inMs / 1_000))} s`
}

function rttText(rttMs: number | undefined): string {
  return rttMs === undefined ? '' : `, ${rttMs} ms`
}

/** A host with several addresses has one cause: each text once. */
function distinct(findings: readonly DoctorFinding[]): readonly DoctorFinding[] {
  return [...new Map(findings.map((one) => [one.text, one])).values()]
}
