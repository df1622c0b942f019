// How the directories are, and why one is not reached. Pure.
import type { DoctorFinding } from '../api/doctor-report.ts'
import { whyNoConnection, type WayFailure } from './diagnose-way.ts'
import type { DirectoryEvidence, Surroundings } from './evidence/evidence.ts'
import { fine, note, problem } from './finding.ts'
import { sudoOf } from './evidence/firewall.ts'
import type { TcpOutcome } from './evidence/tcp-probe.ts'

/** No two clocks are the same; from here on the times of messages mislead. */
const CLOCK_TOLERANCE_MS = 120_000

export function directoryFindings(
  directories: readonly DirectoryEvidence[],
  seen: Surroundings
): readonly DoctorFinding[] {
  if (directories.length === 0) {
    return [
      note('directory', 'no directory is in use: only peers on the LAN are found', {
        advice: 'parley directory runs one, on a machine that others reach; --directory HOST:PORT names it to them'
      })
    ]
  }
  return [...directories.map((one) => directoryFinding(one, seen)), ...clockFindings(directories, seen)]
}

/** @param proxy `HOST:PORT` of the HTTP proxy in use */
export function proxyFindings(proxy: string | undefined): readonly DoctorFinding[] {
  if (proxy === undefined) return []
  const advice = 'It is that of --proxy, PARLEY_PROXY, the settings or HTTPS_PROXY; --proxy none goes without it'
  return [note('directory', `wss:// addresses are reached by the HTTP proxy ${proxy}`, { advice })]
}

function directoryFinding(one: DirectoryEvidence, seen: Surroundings): DoctorFinding {
  const { address, state, rttMs, by, why = 'no answer' } = one.view
  switch (state) {
    case 'connected':
      return fine(
        'directory',
        `the directory ${address} is connected${by === undefined ? '' : ` by ${by}`}${rttMs === undefined ? '' : `, ${rttMs} ms away`}`
      )
    case 'standby':
      return fine('directory', `the directory ${address} stands by`)
    case 'refused':
      return problem('directory', 'directory-refuses', `the directory ${address} does not register you: ${why}`)
    case 'connecting':
    case 'waiting':
      return unreached(one, seen)
  }
}

function unreached({ view, tried }: DirectoryEvidence, seen: Surroundings): DoctorFinding {
  const { address, why, isOfOtherNetwork = false } = view
  const text = `the directory ${address} is not connected${why === undefined ? '' : `: ${why}`}`
  if (isOfOtherNetwork) return problem('directory', 'other-network', text)
  const failure = tried === undefined ? undefined : failures[tried.outcome]
  if (tried === undefined || failure === undefined) return problem('directory', 'directory-down', text)
  const { cause, ...rest } = whyNoConnection({ way: tried.way, failure, seen, isOnline: false })
  // Whatever is there instead, the directory is not.
  const isDown = cause === 'nothing-listens' || cause === 'no-answer' || cause === 'no-neighbour'
  const advice =
    cause === 'nothing-listens' ? 'Start it there, or name another with --directory HOST:PORT' : rest.advice
  return problem('directory', isDown ? 'directory-down' : cause, text, { ...rest, advice })
}

/** An open port says nothing about why the directory is not connected. */
const failures: Readonly<Record<TcpOutcome, WayFailure | undefined>> = {
  open: undefined,
  unresolved: undefined,
  refused: 'refused',
  'no-route': 'no-route',
  forbidden: 'forbidden',
  silent: 'silent'
}

/** Two directories that agree, and differ from this machine, leave no doubt whose clock is wrong. */
function clockFindings(directories: readonly DirectoryEvidence[], seen: Surroundings): readonly DoctorFinding[] {
  const told = directories.flatMap(({ view: { address, clockAheadMs } }) =>
    clockAheadMs === undefined ? [] : [{ address, clockAheadMs }]
  )
  const apart = told.filter(({ clockAheadMs }) => Math.abs(clockAheadMs) >= CLOCK_TOLERANCE_MS)
  const [first] = apart
  // Where one directory agrees with this machine, the other directory is wrong.
  if (first === undefined || apart.length < told.length) return []
  const side = first.clockAheadMs > 0 ? 'behind' : 'ahead of'
  return [
    problem(
      'directory',
      'clock',
      `this machine's clock is ${spanText(first.clockAheadMs)} ${side} that of the directory ${first.address}`,
      {
        isLikely: apart.length === 1,
        evidence: apart.map(
          ({ address, clockAheadMs }) =>
            `${address} is ${spanText(clockAheadMs)} ${clockAheadMs > 0 ? 'ahead' : 'behind'}`
        ),
        advice: 'Set the clock: until then the times of messages are wrong here, and yours on the screens of others',
        commands: [`${sudoOf(seen.firewall)}timedatectl set-ntp true`]
      }
    )
  ]
}

const HOUR_MS = 3_600_000

function spanText(ms: number): string {
  const minutes = Math.round(Math.abs(ms) / 60_000)
  if (minutes < 120) return `${minutes} minutes`
  const hours = Math.round(Math.abs(ms) / HOUR_MS)
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`
}
