// `parley status`: whether a parley runs on the profile, and what it does. It
// asks that one, and starts none.
import type { Command } from 'commander'
import { escapedJson } from '../process/clean-text.ts'
import { isJson, type Json, jsonList } from '../../lib/index.ts'
import { writeLines, type CommandIo } from '../process/io.ts'
import { flagsOf, hasSwitch } from '../options/given-options.ts'
import { exitCodes, loadProfileConfig, profileKeyProtection, shortId, sizeText } from '../../node/settings.ts'
import type { ExitCode, KeyProtection } from '../../node/settings.ts'
import { secondsUntil } from '../wording/time-span.ts'
import { answeredText } from '../wording/directory-wording.ts'

export async function runStatus(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadProfileConfig({ flags: flagsOf(command), env: io.env })
  const asJson = hasSwitch(command, 'json')
  const { runningParley } = await import('../control/index.ts')
  const parley = await runningParley(config, { signal: io.interrupted, mayBeLocked: true })
  const { profile } = config.settings
  const key = await profileKeyProtection(config)
  if (parley === undefined) {
    if (asJson) writeLines(io.stdout, [escapedJson({ running: false, profile, keyPassphrase: keyJson(key) })])
    else writeLines(io.stdout, [`No parley runs on the profile ${profile}.`, ...keyLines(key)])
    return exitCodes.notRunning
  }
  parley.close()
  const { daemonAt } = await import('../attach/index.ts')
  const daemon = (await daemonAt(config, io.interrupted).catch(() => undefined))?.pid
  if (parley.ready['event'] === 'locked') {
    sayLocked(io, parley.ready, { asJson, daemon })
    return exitCodes.ok
  }
  if (asJson)
    writeLines(io.stdout, [
      escapedJson({ ...statusJson(parley.ready), daemon: daemon ?? null, keyPassphrase: keyJson(key) })
    ])
  else writeLines(io.stdout, statusLines(parley.ready, Date.now(), { key, daemon }))
  return exitCodes.ok
}

/** Empty where there is no key yet. */
function keyLines(key: KeyProtection): string[] {
  switch (key) {
    case 'passphrase':
      return ['Key:            has a passphrase']
    case 'none':
      return ['Key:            has no passphrase: parley profile protect sets one']
    case 'unknown':
      return []
  }
}

function keyJson(key: KeyProtection): boolean | null {
  return key === 'unknown' ? null : key === 'passphrase'
}

/** One that waits for the passphrase of its key is on no network yet. */
function sayLocked(
  io: CommandIo,
  { profile, peer, shortId: short }: Json,
  { asJson, daemon }: { readonly asJson: boolean; readonly daemon: number | undefined }
): void {
  if (asJson) {
    const identity = { profile, peer, shortId: short }
    writeLines(io.stdout, [
      escapedJson({ running: true, locked: true, ...identity, daemon: daemon ?? null, keyPassphrase: true })
    ])
    return
  }
  writeLines(io.stdout, [
    `Profile:        ${textOf(profile)}, in use by ${holder(daemon)}`,
    `Peer ID:        ${textOf(peer)} (short: ${textOf(short)})`,
    'Key:            locked: parley unlock asks for the passphrase'
  ])
}

/** The event `ready` of the running parley, with the roster as a number. */
function statusJson(ready: Json): Json {
  const { profile, peer, nickname, network, addresses, directories, conversations, waiting, room, connections } = ready
  const requests = jsonList(ready['requests']).length
  const identity = { profile, peer, shortId: ready['shortId'], nickname, network, addresses }
  return {
    running: true,
    locked: false,
    ...identity,
    directories,
    connections,
    lan: ready['lan'],
    router: ready['router'],
    online: jsonList(ready['roster']).length,
    requests,
    conversations,
    waiting,
    room,
    misbehaviour: ready['misbehaviour']
  }
}

/** What the event `ready` of a running parley says, for people. */
function statusLines(
  ready: Json,
  nowMs: number,
  { key, daemon }: { readonly key: KeyProtection; readonly daemon: number | undefined }
): string[] {
  const requests = jsonList(ready['requests']).length
  return [
    `Profile:        ${textOf(ready['profile'])}, in use by ${holder(daemon)}`,
    `Nickname:       ${textOf(ready['nickname'])}`,
    `Peer ID:        ${textOf(ready['peer'])} (short: ${textOf(ready['shortId'])})`,
    ...keyLines(key),
    `Network:        ${textOf(ready['network'])}`,
    ...listed('Addresses:', Array.isArray(ready['addresses']) ? ready['addresses'].map(textOf) : []),
    ...listed(
      'Directories:',
      jsonList(ready['directories']).map((view, _i, all) => directoryText(view, all, nowMs))
    ),
    `Connections:    ${connectionsText(ready['connections'])}`,
    ...listed('LAN:', jsonList(ready['lan']).map(linkText), 'peers are not looked for'),
    `Router:         ${routerText(ready['router'])}`,
    `Online:         ${jsonList(ready['roster']).length}`,
    ...listed('Conversations:', jsonList(ready['conversations']).map(conversationText)),
    `Waiting:        ${waitingText(ready['waiting'])}`,
    ...(isJson(ready['room']) ? roomLines(ready['room'], requests) : []),
    ...misbehaviourLines(ready['misbehaviour'], nowMs)
  ]
}

/** @param daemon its process */
function holder(daemon: number | undefined): string {
  return daemon === undefined ? 'a running parley' : `a daemon (process ${daemon})`
}

/** The space that strangers and contacts take, and their limits. */
function roomLines(
  { requests, historyBytes, largest, quotaBytes, freeBytes, floorBytes, diskLow }: Json,
  shown: number
): string[] {
  const { messages, limit, largest: most } = isJson(requests) ? requests : {}
  const strangers = shown === 1 ? '1 stranger' : `${shown} strangers`
  const from = isJson(most) ? `, ${textOf(most['messages'])} of them from ${textOf(most['origin'])}` : ''
  const free = typeof freeBytes === 'number' ? `, ${sizeOf(freeBytes)} free on the disk` : ''
  const isLow = diskLow === true ? `, less than the ${sizeOf(floorBytes)} that stay free: no messages are stored` : ''
  const quota = typeof quotaBytes === 'number' ? quotaBytes : Infinity
  const fullest = jsonList(largest).filter(({ bytes }) => Number(bytes) >= quota * WORTH_TELLING_PART)
  return [
    ...(messages === 0
      ? []
      : [`Requests:       from ${strangers}, ${textOf(messages)} of ${textOf(limit)} messages${from}`]),
    `History:        ${sizeOf(historyBytes)}${free}${isLow}`,
    ...listed(
      'Quota:',
      fullest.map(({ name, bytes }) => {
        const isOver = Number(bytes) >= quota ? ': more is refused' : ''
        return `${textOf(name)} takes ${sizeOf(bytes)} of ${sizeOf(quota)}${isOver}`
      }),
      `${sizeOf(quota)} for each contact`
    )
  ]
}

/** A contact is listed from this part of its quota on. */
const WORTH_TELLING_PART = 0.75

function sizeOf(bytes: unknown): string {
  return typeof bytes === 'number' ? sizeText(bytes) : '-'
}

/** A heading with its lines beside it, one below the other. */
function listed(heading: string, lines: readonly string[], none = 'none'): string[] {
  const shown = lines.length === 0 ? [none] : lines
  return shown.map((line, index) => `${(index === 0 ? heading : '').padEnd(column)}${line}`)
}

const column = 16

function directoryText(view: Json, all: readonly Json[], nowMs: number): string {
  const { address, state, why, retryAtMs, rttMs, peers, total, registered, forged } = view
  const names = (found: unknown): string =>
    jsonList(found)
      .map(({ name, shortId: id }) => `${textOf(name)} (${textOf(id)})`)
      .join(', ')
  const apart = Array.isArray(view['notJoinedWith'])
    ? view['notJoinedWith'].map((one) => nameOfDirectory(one, all))
    : []
  const words = [
    ...(typeof why === 'string' ? [why] : []),
    ...(typeof view['by'] === 'string' ? [`by ${view['by']}`] : []),
    ...(state === 'standby' ? [standbyText(view['reachedAtMs'], nowMs)] : []),
    ...(typeof retryAtMs === 'number' ? [`next try in ${secondsUntil(retryAtMs, nowMs)} s`] : []),
    ...(typeof rttMs === 'number' && state !== 'waiting' ? [`${rttMs} ms`] : []),
    ...(typeof peers === 'number' ? [peersText(peers, total)] : []),
    ...(registered === true ? ['registered'] : []),
    ...(jsonList(view['withholds']).length === 0 ? [] : [`withholds ${names(view['withholds'])}`]),
    ...(jsonList(view['stale']).length === 0 ? [] : [`stale about ${names(view['stale'])}`]),
    ...(apart.length === 0 ? [] : [`not joined with ${apart.join(', ')}`]),
    ...(typeof forged === 'number' && forged > 0 ? [`showed ${forged} forged`] : [])
  ]
  return [`${textOf(address)} ${textOf(state)}`, ...words].join(', ')
}

function standbyText(reachedAtMs: unknown, nowMs: number): string {
  return answeredText(typeof reachedAtMs === 'number' ? reachedAtMs : undefined, nowMs)
}

/** How many peers a directory lists, and the total if it lists not all. */
function peersText(peers: number, total: unknown): string {
  const isPart = typeof total === 'number' && total > peers
  return `${peers}${isPart ? ` of ${total}` : ''} ${peers === 1 && !isPart ? 'peer' : 'peers'}`
}

function nameOfDirectory(peer: unknown, all: readonly Json[]): string {
  const known = all.find((view) => view['peer'] === peer)
  return known === undefined ? shortId(textOf(peer)) : textOf(known['address'])
}

function linkText({ interface: name, works, why }: Json): string {
  return `${textOf(name)}${works === true ? '' : `: no peers are found there: ${textOf(why)}`}`
}

function routerText(router: unknown): string {
  const { state, protocol, address, announced, why } = isJson(router) ? router : {}
  switch (state) {
    case 'open': {
      const isUnconfirmed = announced === true ? '' : '; not announced: no directory has seen you there'
      return `lets others in at ${textOf(address)} (${textOf(protocol)})${isUnconfirmed}`
    }
    case 'closed':
      return `lets nobody in: ${textOf(why)}`
    case 'asking':
      return 'is being asked to let others in'
    default:
      return 'is not asked to let others in'
  }
}

function conversationText({ peer, name, state, why }: Json): string {
  const id = typeof peer === 'string' ? ` (${shortId(peer)})` : ''
  return `${textOf(name)}${id} ${textOf(state)}${typeof why === 'string' ? `, ${why}` : ''}`
}

/** Connections that gave way, if any. */
function connectionsText(connections: unknown): string {
  const { open, maxOpen, pending, holders, gaveWay } = isJson(connections) ? connections : {}
  const most = jsonList(holders).map(({ from, connections: count }) => `${textOf(from)} (${textOf(count)})`)
  return [
    `${textOf(open)} of ${textOf(maxOpen)}`,
    ...(most.length === 0 ? [] : [`most from ${most.join(', ')}`]),
    ...(typeof pending === 'number' && pending > 0 ? [`${pending} not identified yet`] : []),
    ...(typeof gaveWay === 'number' && gaveWay > 0 ? [`${gaveWay} closed to make room`] : [])
  ].join(', ')
}

function waitingText(waiting: unknown): string {
  const { messages, peers, more } = isJson(waiting) ? waiting : {}
  if (messages === 0) return 'no messages'
  const plural = (count: unknown, what: string): string => `${textOf(count)} ${what}${count === 1 ? '' : 's'}`
  return `${more === true ? 'more than ' : ''}${plural(messages, 'message')} to ${plural(peers, 'peer')}`
}

/** Empty while no remote broke a rule. */
function misbehaviourLines(misbehaviour: unknown, nowMs: number): string[] {
  const { count, last } = isJson(misbehaviour) ? misbehaviour : {}
  if (typeof count !== 'number' || count === 0 || !isJson(last)) return []
  const times = `${count} ${count === 1 ? 'remote was' : 'remotes were'} cut or refused for breaking a rule`
  const who = typeof last['peer'] === 'string' ? `${shortId(last['peer'])} at ` : ''
  const agoS = typeof last['atMs'] === 'number' ? Math.max(0, Math.round((nowMs - last['atMs']) / 1000)) : 0
  return [`Misbehaviour:   ${times}; last, ${agoS} s ago: ${who}${textOf(last['address'])} ${textOf(last['what'])}`]
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-'
}
