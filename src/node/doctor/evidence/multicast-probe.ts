// What multicast DNS does on each link: a question goes out, and the system passes a copy
// of it back to this machine, unless a firewall here drops it. Who else is heard meanwhile
// is counted. It has sockets of its own, beside those of the node.
import { randomInt } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encode } from 'dns-packet'
import { errorCode } from '../../../lib/index.ts'
import {
  boundForMdns,
  closed,
  type Family,
  joinGroup,
  type LinkFamily,
  linkSender,
  MDNS_PORT,
  mdnsGroup,
  multicastFault
} from '../../discovery/mdns-sockets.ts'
import type { Link } from '../../discovery/links.ts'
import { OwnNetwork } from '../../dialing/own-network.ts'
import type { Interfaces } from '../../../transport/index.ts'

/** Responders answer within half a second (RFC 6762, 6), and Wi-Fi holds multicast back for as long again. */
const MULTICAST_PROBE_MS = 2_500

/** The question is asked again, as Wi-Fi does not repeat a multicast that was lost. */
const MULTICAST_REPEAT_MS = 800

/** Other machines that are counted on a link: more say nothing new. */
const MAX_COUNTED_SENDERS = 64

/** All kinds of services: every program that speaks mDNS answers (RFC 6763, 9). */
const SERVICE_QUESTION = '_services._dns-sd._udp.local'

export interface FamilyProbe {
  readonly family: Family
  /** The own question came back. */
  readonly isHeard: boolean
  /** Why it could not be sent, in words, with the system's code. */
  readonly failure: { readonly code: string; readonly why: string } | undefined
}

export interface LinkProbe {
  readonly name: string
  /** Without zones. */
  readonly addresses: readonly string[]
  readonly families: readonly FamilyProbe[]
  /** How many other machines were heard: as many as there were addresses of one family. */
  readonly others: number
}

interface Trial extends LinkFamily {
  readonly question: Buffer
  isHeard: boolean
  failure: FamilyProbe['failure']
  socket: Socket | undefined
}

/**
 * @param links without loopback
 * @param interfaces those that the links are made of
 */
export async function probeMulticast(
  links: readonly Link[],
  interfaces: Interfaces,
  signal: AbortSignal | undefined
): Promise<readonly LinkProbe[]> {
  const networks = new Map(links.map(({ name }) => [name, new OwnNetwork({ [name]: interfaces[name] })]))
  const trials = links.flatMap(trialsOf)
  const others = new Map<string, Set<string>>(links.map(({ name }) => [name, new Set()]))
  const sockets = new Set<Socket>()
  const own = new Set(links.flatMap(({ addresses }) => addresses))
  const onMessage = (bytes: Buffer, sender: string): void => {
    const heard = trials.find(({ question }) => bytes.equals(question))
    if (heard !== undefined) heard.isHeard = true
    const ip = sender.split('%')[0] ?? ''
    if (own.has(ip)) return
    const link = links.find(({ name, zone }) =>
      sender.includes('%') ? sender.endsWith(`%${zone ?? ''}`) : networks.get(name)?.isOnLink(ip) === true
    )
    const senders = link === undefined ? undefined : others.get(link.name)
    if (senders !== undefined && senders.size < MAX_COUNTED_SENDERS) senders.add(ip)
  }
  try {
    await openAll(trials, { sockets, onMessage })
    for (const wait of [MULTICAST_REPEAT_MS, MULTICAST_PROBE_MS - MULTICAST_REPEAT_MS]) {
      await Promise.all(trials.map(async (trial) => send(trial)))
      await sleep(wait, undefined, signal === undefined ? {} : { signal })
    }
  } finally {
    await Promise.all([...sockets].map(closed))
  }
  return links.map((link) => ({
    name: link.name,
    addresses: link.addresses,
    families: trials
      .filter((trial) => trial.link === link)
      .map(({ family, isHeard, failure }) => ({ family, isHeard, failure })),
    others: machines([...(others.get(link.name) ?? [])])
  }))
}

/** A machine that speaks both families is heard at two addresses. */
function machines(addresses: readonly string[]): number {
  const ipv4 = addresses.filter((ip) => isIPv4(ip)).length
  return Math.max(ipv4, addresses.length - ipv4)
}

function trialsOf(link: Link): readonly Trial[] {
  const families: readonly Family[] = [
    ...(link.ipv4 === undefined ? [] : (['ipv4'] as const)),
    ...(link.zone === undefined ? [] : (['ipv6'] as const))
  ]
  return families.map((family) => ({
    link,
    family,
    question: newQuestion(),
    isHeard: false,
    failure: undefined,
    socket: undefined
  }))
}

/** Its ID, which others ignore (RFC 6762, 18.1), tells its copy from all else. */
function newQuestion(): Buffer {
  const questions = [{ name: SERVICE_QUESTION, type: 'PTR' }] as const
  return Buffer.from(encode({ type: 'query', id: randomInt(1, 0xffff), questions: [...questions] }))
}

interface Ears {
  readonly sockets: Set<Socket>
  readonly onMessage: (bytes: Buffer, sender: string) => void
}

async function openAll(trials: readonly Trial[], ears: Ears): Promise<void> {
  for (const family of ['ipv4', 'ipv6'] as const) {
    const ofFamily = trials.filter((trial) => trial.family === family)
    if (ofFamily.length === 0) continue
    try {
      const hearing = await boundForMdns(family, family === 'ipv4' ? '0.0.0.0' : '::')
      ears.sockets.add(hearing)
      hearing.on('message', (bytes, { address, port }) => {
        if (port === MDNS_PORT) ears.onMessage(bytes, address)
      })
      for (const trial of ofFamily) await open(trial, hearing, ears)
    } catch (error) {
      for (const trial of ofFamily) trial.failure = failureOf(error)
    }
  }
}

async function open(trial: Trial, hearing: Socket, { sockets }: Ears): Promise<void> {
  try {
    joinGroup(hearing, trial)
    const socket = trial.family === 'ipv6' ? hearing : await linkSender(trial.link)
    sockets.add(socket)
    trial.socket = socket
  } catch (error) {
    trial.failure = failureOf(error)
  }
}

async function send(trial: Trial): Promise<void> {
  const { socket, question: bytes } = trial
  if (socket === undefined) return
  await new Promise<void>((resolve) => {
    socket.send(bytes, MDNS_PORT, mdnsGroup(trial), (error) => {
      trial.failure = error === null || error === undefined ? undefined : failureOf(error)
      resolve()
    })
  })
}

function failureOf(error: unknown): FamilyProbe['failure'] {
  return { code: errorCode(error) ?? '', why: multicastFault(error) }
}
