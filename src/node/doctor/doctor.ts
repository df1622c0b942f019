// Examines the network of a node, and the paths to one peer: gathers evidence from all
// sides at once, within a time that a person waits, and has it diagnosed. It changes
// nothing on this machine.
import type { Multiaddr } from '@multiformats/multiaddr'
import { abortAfter } from '../../lib/index.ts'
import type { DirectoryView, PathView, RouterView } from '../api/chat-events.ts'
import type { DoctorCause, DoctorFinding, DoctorReport, DoctorTarget, ExamineOptions } from '../api/doctor-report.ts'
import { DirectoryPeerError, OwnPeerError, ParleyError, PeerNotFoundError } from '../api/errors.ts'
import { addressOf, formatAddress, hostPortOf, parseAddress, peerIdOf, relayOf } from '../dialing/address.ts'
import type { StunServer } from '../../direct/stun/index.ts'
import { dialFailureOf } from '../dialing/dial-errors.ts'
import type { PathTrial, PeerTrials } from '../dialing/path-trials.ts'
import { directoryFindings, proxyFindings } from './diagnose-directories.ts'
import { lanFindings } from './diagnose-lan.ts'
import { peerFindings } from './diagnose-peer.ts'
import { portFindings } from './diagnose-port.ts'
import { reachabilityFindings } from './diagnose-reachability.ts'
import type {
  DirectoryEvidence,
  PeerEvidence,
  PortEvidence,
  ReachEvidence,
  Surroundings,
  Way
} from './evidence/evidence.ts'
import { fine, note, problem } from './finding.ts'
import { lookAround } from './evidence/look-around.ts'
import { neighbours } from './evidence/neighbours.ts'
import { tailnetMachines, type TailnetMachine } from './evidence/tailnet.ts'
import { tcpProbe } from './evidence/tcp-probe.ts'
import { lookOverUdp } from './evidence/udp-look.ts'
import { lookAtWay } from './evidence/way-there.ts'

/** The whole examination: a command that waits for it answers within 8 s. */
const DOCTOR_MS = 6_500

/** However little time is left: what is heard of multicast takes so long, and what was not heard by then is a finding. */
const MIN_DOCTOR_MS = 4_000

/** A directory that is there answers its first dial by then; others are looked at more closely. */
const DIRECTORY_PATIENCE_MS = 1_200

/** The first one that answers is asked how it sees this machine: a machine that is busy takes a while to connect. */
const REACH_PATIENCE_MS = 3_000

/** How long a name is looked for that nobody has yet: peers on a LAN find each other within two seconds. */
const NAME_PATIENCE_MS = 2_500

/** What the examination asks of the node. */
export interface DoctorNode {
  readonly searchesLan: boolean
  /** `HOST:PORT` of the HTTP proxy in use. */
  proxy(): string | undefined
  port(): PortEvidence
  directories(): readonly DirectoryView[]
  /** The own peer ID. */
  readonly self: string
  /** Where directories in use answer STUN. */
  stunServers(): readonly StunServer[]
  /** Whether the router lets others in. */
  router(): RouterView
  /** Relays that hold a place for this node; undefined for a node that only looks. */
  relays(): number | undefined
  /** Resolves when each directory has answered or failed once. */
  directoriesTried(signal: AbortSignal): Promise<void>
  /** Resolves when those who are around have had time to appear. */
  lookedAround(signal: AbortSignal): Promise<void>
  /** Peers that a directory shows on a link of this machine, and that are not connected. */
  unseenNeighbours(): readonly string[]
  /** Resolves when something about those around has changed. */
  news(signal: AbortSignal): Promise<void>
  /** @returns the peer ID @throws ParleyError when the words name nobody, or nobody answers at their address */
  resolve(words: readonly string[], signal: AbortSignal): Promise<string>
  peer(peer: string): {
    readonly name: string
    readonly isBlocked: boolean
    readonly isOnline: boolean
    readonly path: PathView
  }
  /** The TCP ports at which the peer is known to listen. */
  portsOf(peer: string, signal: AbortSignal): Promise<readonly number[]>
  tryPaths(peer: string, signal: AbortSignal): Promise<PeerTrials>
  tryAddresses(peer: string, addresses: readonly Multiaddr[], signal: AbortSignal): Promise<readonly PathTrial[]>
}

export class Doctor {
  readonly #node: DoctorNode

  constructor(node: DoctorNode) {
    this.#node = node
  }

  /** @param options.withinMs the time that is left for it, at least 4 s are taken; default 6.5 s @throws the signal's reason */
  async examine(target: DoctorTarget, options: ExamineOptions = {}): Promise<DoctorReport> {
    const deadline = abortAfter(Math.max(MIN_DOCTOR_MS, Math.min(DOCTOR_MS, options.withinMs ?? DOCTOR_MS)))
    const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline])
    const looking = lookAround(this.#node.searchesLan, { signal, interrupted: options.signal })
    const [seen, directories, reach, peer] = await Promise.all([
      looking,
      this.#directories(looking, signal),
      this.#reachability(signal),
      this.#target(target, looking, signal)
    ])
    options.signal?.throwIfAborted()
    const lan = lanFindings(seen)
    const port = portFindings(this.#node.port(), seen)
    // One cause closes the port too, and its commands open both.
    const isKilled = lan.some(({ cause }) => cause === 'kill-switch')
    return {
      findings: [
        ...lan,
        ...port.filter(({ cause }) => !(isKilled && cause === 'firewall-port-in')),
        ...proxyFindings(this.#node.proxy()),
        ...directoryFindings(directories, seen),
        ...reachabilityFindings(reach, seen),
        ...peer
      ]
    }
  }

  async #reachability(signal: AbortSignal): Promise<ReachEvidence> {
    await this.#node.directoriesTried(AbortSignal.any([signal, AbortSignal.timeout(REACH_PATIENCE_MS)]))
    const udp = await lookOverUdp(this.#node.stunServers(), this.#node.self, signal)
    const relays = this.#node.relays()
    return {
      udp,
      router: relays === undefined ? undefined : this.#node.router(),
      relays: relays ?? 0,
      isSeen: relays !== undefined && this.#node.directories().length > 0
    }
  }

  async #directories(looking: Promise<Surroundings>, signal: AbortSignal): Promise<readonly DirectoryEvidence[]> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(DIRECTORY_PATIENCE_MS)])
    await this.#node.directoriesTried(patience)
    const isUnreached = ({ state }: DirectoryView): boolean => state === 'waiting' || state === 'connecting'
    const late = this.#node.directories().filter(isUnreached)
    const [tried] = await Promise.all([
      Promise.all(late.map(async ({ address }) => [address, await this.#tried(address, looking, signal)] as const)),
      this.#node.directoriesTried(signal)
    ])
    const known = new Map(tried)
    return this.#node
      .directories()
      .map((view) => ({ view, tried: isUnreached(view) ? known.get(view.address) : undefined }))
  }

  /** @param address as people write it */
  async #tried(
    address: string,
    looking: Promise<Surroundings>,
    signal: AbortSignal
  ): Promise<DirectoryEvidence['tried']> {
    const parsed = parseAddress([address])
    const place = parsed === undefined || relayOf(parsed) !== undefined ? undefined : hostPortOf(parsed)
    if (place === undefined) return undefined
    const outcome = await tcpProbe(place, signal)
    const { interfaces } = await looking
    const isSilent = outcome === 'silent'
    return {
      outcome,
      way: await lookAtWay(place, { interfaces, neighbours: await neighbours(signal), isSilent, signal })
    }
  }

  async #target(
    { peer, words }: DoctorTarget,
    looking: Promise<Surroundings>,
    signal: AbortSignal
  ): Promise<readonly DoctorFinding[]> {
    if (peer !== undefined) return this.#peer(peer, looking, signal)
    if (words === undefined || words.length === 0) return this.#unseenNeighbours(looking, signal)
    // An address that can't be one is the fault of who typed it.
    const address = parseAddress(words)
    const named = address === undefined ? undefined : peerIdOf(address)
    if (address !== undefined && named !== undefined) return this.#peer(named, looking, signal, [address])
    try {
      return await this.#peer(await this.#resolved(words, signal), looking, signal)
    } catch (error) {
      // When the caller gave up, `examine` throws; what merely took too long is a finding.
      if (signal.aborted) return [note('peer', `${words.join(' ')} was not found within ${DOCTOR_MS / 1_000} s`)]
      if (!(error instanceof ParleyError)) throw error
      if (address === undefined) return [problem('peer', 'unknown-peer', error.message)]
      return [await this.#unanswered(address, error, looking, signal)]
    }
  }

  /** Nobody was named: those who should be met on the LAN, and are not, show that it is cut in two. */
  async #unseenNeighbours(looking: Promise<Surroundings>, signal: AbortSignal): Promise<readonly DoctorFinding[]> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(DIRECTORY_PATIENCE_MS)])
    await this.#node.directoriesTried(patience)
    await this.#node.lookedAround(patience)
    const unseen = this.#node.unseenNeighbours().slice(0, MAX_UNSEEN_NEIGHBOURS)
    const found = await Promise.all(
      unseen.map(async (peer) => {
        const all = await this.#peer(peer, looking, signal)
        const isReached = all.some(({ verdict }) => verdict === 'ok')
        const faults = isReached ? [] : all.filter(isOfThisNetwork)
        const whom = `${this.#node.peer(peer).name} is on this network, and is not reached`
        return faults.map((fault) => ({ ...fault, text: `${whom}: ${fault.text}` }))
      })
    )
    return found.flat()
  }

  /** A name may come onto the roster a moment later. @throws ParleyError */
  async #resolved(words: readonly string[], signal: AbortSignal): Promise<string> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(NAME_PATIENCE_MS)])
    for (;;) {
      try {
        return await this.#node.resolve(words, signal)
      } catch (error) {
        if (!(error instanceof PeerNotFoundError) || patience.aborted) throw error
      }
      await this.#node.news(patience)
    }
  }

  /** Nobody answers at an address that was given, or nobody who should. */
  async #unanswered(
    address: Multiaddr,
    error: ParleyError,
    looking: Promise<Surroundings>,
    signal: AbortSignal
  ): Promise<DoctorFinding> {
    const failure = dialFailureOf(error)
    const place = hostPortOf(address)
    if (error instanceof DirectoryPeerError || error instanceof OwnPeerError) return note('peer', error.message)
    const own: DoctorCause = failure === 'key-changed' || failure === 'not-parley' ? failure : 'no-answer'
    if (place === undefined || own !== 'no-answer') return problem('peer', own, error.message)
    const seen = await looking
    const way = await lookAtWay(place, {
      interfaces: seen.interfaces,
      neighbours: await neighbours(signal),
      isSilent: false,
      signal
    })
    const trial: PathTrial = {
      place: formatAddress(address),
      kind: 'direct',
      relay: undefined,
      ...place,
      outcome: { is: 'failed', failure, why: error.message }
    }
    const evidence: PeerEvidence = {
      peer: '',
      name: trial.place,
      isBlocked: false,
      isOnline: false,
      path: { kind: 'none', why: error.message },
      tried: { trials: [trial], refused: [] },
      ways: new Map([[place.host, way]]),
      directories: new Map()
    }
    return peerFindings(evidence, seen, Date.now())[0] ?? problem('peer', own, error.message)
  }

  async #peer(
    peer: string,
    looking: Promise<Surroundings>,
    signal: AbortSignal,
    given: readonly Multiaddr[] = []
  ): Promise<readonly DoctorFinding[]> {
    if (this.#node.peer(peer).path.kind === 'none') await this.#node.lookedAround(signal)
    const { isBlocked } = this.#node.peer(peer)
    const [tried, tailnet] = isBlocked
      ? [{ trials: [], refused: [] }, []]
      : await Promise.all([this.#allPaths(peer, given, signal), this.#overTailnet(peer, given, signal)])
    const seen = await looking
    const ways = await this.#waysTo(tried.trials, seen, signal)
    const directories = new Map(this.#node.directories().map((one) => [one.peer ?? '', one.address]))
    const found = peerFindings({ peer, ...this.#node.peer(peer), tried, ways, directories }, seen, Date.now())
    if (tailnet.length === 0) return found
    // It is reached that way: the others are missed by nobody.
    return [...tailnet, ...found.map((one) => (one.verdict === 'problem' ? { ...one, verdict: 'note' as const } : one))]
  }

  /** Those that are known, and those that were given with the question. */
  async #allPaths(peer: string, given: readonly Multiaddr[], signal: AbortSignal): Promise<PeerTrials> {
    const [known, asked] = await Promise.all([
      this.#node.tryPaths(peer, signal),
      this.#node.tryAddresses(peer, given, signal)
    ])
    const places = new Set(asked.map(({ place }) => place))
    return { ...known, trials: [...asked, ...known.trials.filter(({ place }) => !places.has(place))] }
  }

  async #waysTo(
    trials: readonly PathTrial[],
    { interfaces }: Surroundings,
    signal: AbortSignal
  ): Promise<ReadonlyMap<string, Way>> {
    const failed = trials.flatMap(({ host, port, outcome }) =>
      outcome.is === 'failed' && host !== undefined && port !== undefined ? [{ host, port }] : []
    )
    if (failed.length === 0) return new Map()
    const known = await neighbours(signal)
    const look = { interfaces, neighbours: known, isSilent: false, signal }
    return new Map(await Promise.all(failed.map(async (place) => [place.host, await lookAtWay(place, look)] as const)))
  }

  /** At the machines of the user's tailnet, on the ports that are known for the peer. */
  async #overTailnet(
    peer: string,
    given: readonly Multiaddr[],
    signal: AbortSignal
  ): Promise<readonly DoctorFinding[]> {
    const machines = await tailnetMachines(signal)
    if (machines.length === 0) return []
    const asked = given.flatMap((address) => hostPortOf(address)?.port ?? [])
    const ports = [...new Set([...asked, ...(await this.#node.portsOf(peer, signal))])]
    const places = machines.flatMap((machine) => ports.map((port) => ({ machine, port }))).slice(0, MAX_TAILNET_DIALS)
    const addresses = places.map(({ machine: { ip }, port }) => addressOf({ host: ip, port }))
    const trials = await this.#node.tryAddresses(peer, addresses, signal)
    const open = trials.findIndex(({ outcome }) => outcome.is === 'open')
    const place = places[open]
    return place === undefined ? [] : [tailnetFinding(this.#node.peer(peer).name, peer, place)]
  }
}

/** Peers that are tried without being asked for: two on which the same fault shows are enough. */
const MAX_UNSEEN_NEIGHBOURS = 2

/** What concerns this network and not that one peer alone. */
const networkCauses: ReadonlySet<DoctorCause> = new Set(['isolated', 'vpn-route', 'firewall-port-out'])

function isOfThisNetwork({ cause }: DoctorFinding): boolean {
  return networkCauses.has(cause)
}

/** Machines and ports of a tailnet that are dialled at once. */
const MAX_TAILNET_DIALS = 32

function tailnetFinding(
  name: string,
  peer: string,
  { machine, port }: { readonly machine: TailnetMachine; readonly port: number }
): DoctorFinding {
  return fine('peer', `${name} answers over the tailnet, at ${machine.ip}:${port} (${machine.name})`, {
    advice: `parley chat /ip4/${machine.ip}/tcp/${port}/p2p/${peer} opens the conversation there, and remembers the address`
  })
}
