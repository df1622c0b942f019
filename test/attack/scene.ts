// Honest nodes around a victim, and how they fare: a chat and a directory that
// are attacked, a friend who talks with the chat, clients that the directory
// tells of each other, a contact who comes back and a newcomer who registers
// while the attack lasts. It knows no attack.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nowMs } from '../../bench/bench-process.ts'
import { LightClient } from '../../bench/light-client.ts'
import { JsonParley, randomNetwork } from '../fault/json-parley.ts'
import { freePorts } from '../processes/ports.ts'
import type { Target } from './attack.ts'
import { probePath, type ProbeReading } from './probe.ts'
import { keyFileIn } from '../processes/homes.ts'

const probe = `--import ${new URL('probe.ts', import.meta.url).href}`

export interface SceneInit {
  /** A folder into which each victim writes a CPU profile when it ends. */
  readonly profiles?: string | undefined
  /** The chat names a relay, at the target's `relayPort`. */
  readonly namesRelay?: boolean
}
/** How often the friend says something, and how long a directory's clients rest between two changes. */
const everyMs = 25
/** A client may announce itself once a second: so many take turns. */
const announcerCount = 6
const announceEveryMs = 200
/** No line is longer that honest people or a victim's notices cause. */
const maxLineChars = 16 * 1024
/** What the friend and the contact write. */
const honestText = /"text":"(?:word|contact) \d+"/u
/** What has not arrived by then counts as this late. */
const givenUpMs = 30_000

/**
 * Messages of an attacker are not kept: collecting the garbage of hundreds of thousands of events would stop this process,
 * which measures, for longer than they hold the victim up.
 */
function isOfTheFlood(line: string): boolean {
  return line.length > maxLineChars || (line.startsWith('{"event":"message"') && !honestText.test(line))
}

/** The times that honest people waited, in milliseconds. */
export type Waits = readonly number[]

interface Parts {
  readonly network: string
  /** Of the contact, who comes and goes. */
  readonly home: string
  readonly ports: Readonly<Record<Target['kind'] | 'http' | 'ws' | 'relay', number>>
  readonly peers: Readonly<Record<Target['kind'], string>>
  readonly contactKey: string
  readonly chat: JsonParley
  readonly friend: JsonParley
  readonly directory: JsonParley
  readonly announcers: readonly LightClient[]
  readonly watcher: LightClient
}

export class Scene {
  readonly #parts: Parts
  #said = 0

  private constructor(parts: Parts) {
    this.#parts = parts
  }

  static async start({ profiles, namesRelay = false }: SceneInit = {}): Promise<Scene> {
    const network = randomNetwork()
    const nodeOptions = profiles === undefined ? probe : `${probe} --cpu-prof --cpu-prof-dir=${profiles}`
    const home = await mkdtemp(join(tmpdir(), 'parley-attack-'))
    const [chatPort = 0, directoryPort = 0, http = 0, ws = 0, relay = 0] = await freePorts(5)
    const ports = { chat: chatPort, directory: directoryPort, http, ws, relay }
    const directory = await JsonParley.spawn({
      network,
      nodeOptions,
      args: ['directory', '--port', `${directoryPort}`, '--http', `${http}`, '--ws-port', `${ws}`]
    })
    const listening = await directory.until('"listening"', () =>
      directory.events.find(({ event }) => event === 'listening')
    )
    const viaDirectory = ['--directory', `127.0.0.1:${directoryPort}`]
    const viaRelay = namesRelay ? ['--relay-via', `127.0.0.1:${relay}`] : []
    const [chat, friend, contact] = await Promise.all([
      JsonParley.start({
        network,
        nodeOptions,
        skips: isOfTheFlood,
        args: [...viaDirectory, ...viaRelay, '--name', 'victim', '--port', `${chatPort}`]
      }),
      JsonParley.start({ network, args: [...viaDirectory, '--name', 'friend'] }),
      JsonParley.start({ network, home, args: ['--name', 'contact', '--profile', 'contact'] })
    ])
    const chatPeer = await chat.peerId()
    for (const one of [friend, contact]) {
      await chat.do({ do: 'chat', peer: await one.address() })
      await one.do({ do: 'chat', peer: await chat.address() })
      await one.untilConversation(chatPeer, 'open')
    }
    await chat.do({ do: 'chat', peer: await friend.peerId() })
    await contact.quit()
    const contactKey = (await readFile(keyFileIn(home, 'contact'))).toString('base64')
    const address = `/ip4/127.0.0.1/tcp/${directoryPort}/p2p/${String(listening['peer'])}`
    const [watcher, ...announcers] = await Promise.all([
      LightClient.create(network),
      ...Array.from({ length: announcerCount }, async () => LightClient.create(network))
    ])
    for (const client of [watcher, ...announcers]) {
      await client.connect(address)
      await client.register()
    }
    await watcher.watch()
    const peers = { chat: chatPeer, directory: String(listening['peer']) }
    return new Scene({ network, home, ports, peers, contactKey, chat, friend, directory, announcers, watcher })
  }

  target(kind: Target['kind']): Target {
    return {
      kind,
      host: '127.0.0.1',
      port: this.#parts.ports[kind],
      peer: this.#parts.peers[kind],
      network: this.#parts.network,
      httpPort: this.#parts.ports.http,
      wsPort: this.#parts.ports.ws,
      relayPort: this.#parts.ports.relay,
      contactKey: this.#parts.contactKey
    }
  }

  /** What the victim says about itself to the system, after a collection of its garbage when that is asked for. */
  async reading(kind: Target['kind'], options: { readonly collected: boolean }): Promise<ProbeReading> {
    const { pid } = this.#victim(kind)
    return new Promise((resolve, reject) => {
      const socket = connect(probePath(pid), () => socket.write(options.collected ? 'collected' : 'as it is'))
      let text = ''
      socket.on('data', (bytes) => (text += bytes.toString()))
      // Written by probe.ts.
      socket.on('end', () => resolve(JSON.parse(text) as ProbeReading))
      socket.on('error', reject)
    })
  }

  isUp(kind: Target['kind']): boolean {
    try {
      return process.kill(this.#victim(kind).pid, 0)
    } catch {
      return false
    }
  }

  /** Lines that the victim has printed so far; a later call shows what has come since. */
  saidBy(kind: Target['kind'], from = 0): readonly string[] {
    return this.#victim(kind)
      .events.slice(from)
      .map((event) => JSON.stringify(event))
  }

  /** What honest people do with the victim until the signal, and how long each waited for it. */
  async honestWaits(kind: Target['kind'], signal: AbortSignal): Promise<Waits> {
    return kind === 'chat' ? this.#talk(signal) : this.#announce(signal)
  }

  /** A contact starts its program and sends a message. @returns how long that took, or undefined when it never arrived */
  async contactReturns(): Promise<number | undefined> {
    const contact = await JsonParley.start({
      network: this.#parts.network,
      home: this.#parts.home,
      args: ['--name', 'contact', '--profile', 'contact']
    })
    const startedMs = performance.now()
    const text = `contact ${++this.#said}`
    let seen = this.#parts.chat.events.length
    try {
      contact.tell([
        { do: 'chat', peer: await this.#parts.chat.address() },
        { do: 'send', peer: this.#parts.peers.chat, text }
      ])
      const peer = await contact.peerId()
      const { events } = this.#parts.chat
      const look = (): boolean => {
        for (; seen < events.length; seen++) {
          const one = events[seen]
          if (one?.event === 'message' && one['peer'] === peer && one['text'] === text) return true
        }
        return false
      }
      await this.#parts.chat.until('message of the contact', () => look() || undefined, givenUpMs)
      return performance.now() - startedMs
    } catch {
      return undefined
    } finally {
      await contact.stop()
    }
  }

  /** A client that was never there registers. @returns how long that took, or undefined when it was not let in */
  async newcomerRegisters(): Promise<number | undefined> {
    const newcomer = await LightClient.create(this.#parts.network)
    const startedMs = performance.now()
    const { port, host, peer } = this.target('directory')
    try {
      for (;;) {
        try {
          await newcomer.connect(`/ip4/${host}/tcp/${port}/p2p/${peer}`)
          await newcomer.register()
          return performance.now() - startedMs
        } catch {
          // A client tries again as long as it runs.
          if (performance.now() - startedMs > givenUpMs) return undefined
          await sleep(250)
        }
      }
    } finally {
      await newcomer.leave()
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#parts.announcers, this.#parts.watcher].map(async (client) => client.leave()))
    process.kill(this.#parts.directory.pid, 'SIGTERM')
    await Promise.all([this.#parts.chat.stop(), this.#parts.friend.stop(), this.#parts.directory.stop()])
    await rm(this.#parts.home, { recursive: true, force: true })
  }

  #victim(kind: Target['kind']): JsonParley {
    return kind === 'chat' ? this.#parts.chat : this.#parts.directory
  }

  /** The friend says something again and again. */
  async #talk(signal: AbortSignal): Promise<Waits> {
    const friendPeer = await this.#parts.friend.peerId()
    const sentAtMs = new Map<string, number>()
    let seen = this.#parts.chat.events.length
    while (!signal.aborted) {
      const text = `word ${++this.#said}`
      sentAtMs.set(text, performance.now())
      this.#parts.friend.tell([{ do: 'send', peer: this.#parts.peers.chat, text }])
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    }
    const { events } = this.#parts.chat
    const arrived = new Map<string, number>()
    // Each event is looked at once: a flood has hundreds of thousands of them.
    const look = (): boolean => {
      for (; seen < events.length; seen++) {
        const one = events[seen]
        if (one?.event !== 'message' || one['peer'] !== friendPeer) continue
        const text = String(one['text'])
        if (sentAtMs.has(text)) arrived.set(text, one.atMs)
      }
      return arrived.size === sentAtMs.size
    }
    await this.#parts.chat.until('all words', () => look() || undefined, givenUpMs).catch(() => undefined)
    return [...sentAtMs].map(([text, sentMs]) => (arrived.get(text) ?? sentMs + givenUpMs) - sentMs)
  }

  /** One client after the other changes its record, and another one sees it. */
  async #announce(signal: AbortSignal): Promise<Waits> {
    const waits: number[] = []
    for (let at = 0; !signal.aborted; at++) {
      this.#parts.watcher.takeArrival()
      const sentMs = await this.#parts.announcers[at % announcerCount]?.announce()
      if (sentMs === undefined) break
      waits.push(await this.#arrivalAfter(sentMs))
      await sleep(announceEveryMs, undefined, { signal }).catch(() => undefined)
    }
    return waits
  }

  async #arrivalAfter(sentMs: number): Promise<number> {
    for (;;) {
      const atMs = this.#parts.watcher.takeArrival()
      if (atMs !== undefined) return atMs - sentMs
      await sleep(1)
      if (nowMs() - sentMs > givenUpMs) return givenUpMs
    }
  }
}
