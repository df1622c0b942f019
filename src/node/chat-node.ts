// The one object behind every face: a peer with its profile, the network around it
// and its conversations. It composes the parts, starts and stops them; each method
// that a face calls is one of a part.
import { join } from 'node:path'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ChatApi, ChatSnapshot, NodeFigures, SettingView } from './api/chat-api.ts'
import { ChatEvents } from './api/chat-events.ts'
import type { Misbehaviour } from './api/notices.ts'
import type { DoctorReport, DoctorTarget, ExamineOptions } from './api/doctor-report.ts'
import { createChatHost, type ChatHost } from './chat-host.ts'
import { ChatNetwork } from './chat-network.ts'
import { DirectoriesInUse, Peers, Self, Trust, type ChatParts } from './chat-parts.ts'
import { settingViews, type Config } from './config/config.ts'
import { pressureNotice } from './pressure-notice.ts'
import { listeningPort, PortTakenError, startHost } from './dialing/listening.ts'
import { proxyPlace } from './dialing/proxy.ts'
import { Doctor } from './doctor/doctor.ts'
import { doctorNode } from './doctor-node.ts'
import { FileBook } from './files/file-book.ts'
import { Files } from './files/files.ts'
import { SentFolders } from './files/sent-folders.ts'
import { Invitations, type CodeNetwork } from './invitations/invitations.ts'
import { Messaging } from './messaging/messaging.ts'
import { MisbehaviourWatch } from './misbehaviour.ts'
import { isPeerId } from './peers/peer-reference.ts'
import { readDirectoryAddress, readRelayAddress } from './peers/peer-resolver.ts'
import type { FilesOnOffer } from '../files/index.ts'
import { nameOrShortId } from '../lib/index.ts'
import { toError } from '../wire/index.ts'
import type { Unlocker } from './profile/identity.ts'
import { openOwnStore, type OwnStore } from './profile/own-store.ts'
import { withProfileDefaults } from './profile/profile-preview.ts'
import { ShareBook } from './shares/share-book.ts'
import { Shares } from './shares/shares.ts'
import { openProfile, passingProfile, readOthers, withKey, type Profile } from './profile/profile.ts'

export interface ChatNodeInit {
  readonly config: Config
  /** A person sits at it: a held default profile gives way to the next free one. */
  readonly interactive: boolean
  /** Look at the network without being on its roster, under an identity that is not kept. */
  readonly observe?: boolean
  /** Finds the passphrase of a profile that has one; it is held meanwhile. Without it such a profile is refused. */
  readonly unlock?: Unlocker
}

/** What a node is composed from. */
interface Foundation {
  readonly config: Config
  readonly profile: Profile
  readonly own: OwnStore
  readonly port: ListeningPort
  /** Directories that were named by the user. */
  readonly namedDirectories: readonly Multiaddr[]
  readonly namedRelays: readonly Multiaddr[]
  readonly observe: boolean
  readonly events: ChatEvents
}

type ListeningPort = Awaited<ReturnType<typeof listeningPort>>

export class ChatNode implements ChatApi {
  readonly events: ChatEvents
  readonly self: Self
  readonly messaging: Messaging
  readonly peers: Peers
  readonly trust: Trust
  readonly directories: DirectoriesInUse
  readonly invitations: Invitations
  readonly files: Files
  readonly shares: Shares
  readonly #parts: ChatParts
  readonly #config: Config
  readonly #port: ListeningPort
  #state: 'new' | 'started' | 'stopped' = 'new'
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  /**
   * Opens the profile and makes the node; {@link start} puts it on the network.
   *
   * @throws ProfileInUseError, PortTakenError, PortForbiddenError, ListenAddressError, UsageError, BadAddressError, KeyLockedError, WrongPassphraseError
   */
  static async create(init: ChatNodeInit): Promise<ChatNode> {
    const { config, observe = false } = init
    const { settings, folders } = config
    const namedDirectories = settings.directory.map(readDirectoryAddress)
    const namedRelays = settings.relayVia.map(readRelayAddress)
    const held = observe
      ? await passingProfile(await readOthers(config))
      : await openProfile(folders.data, settings.profile, {
          // A profile that was named on the command line is the one that is meant.
          orNextFree: init.interactive && config.sources.profile !== 'flag'
        })
    try {
      const profile = await withKey(held, init.unlock)
      const usual = profile.book.port
      const port = await listeningPort({ ...wantedPort(settings.port, usual, observe), host: settings.host })
      const events = new ChatEvents()
      const own = await openOwnStore(profile, {
        isPeer: isPeerId,
        nameOf: (peer) => nameOrShortId(profile.book.contact(peer)?.name, peer),
        onDamage: (text) => events.tell('notice', () => ({ code: 'history', text }))
      })
      try {
        const parts = await compose({ config, profile, own, port, namedDirectories, namedRelays, observe, events })
        return new ChatNode(config, port, parts)
      } catch (error) {
        await own.store.close()
        throw error
      }
    } catch (error) {
      held.release()
      throw error
    }
  }

  private constructor(config: Config, port: ListeningPort, parts: ChatParts) {
    this.#config = config
    this.#port = port
    this.#parts = parts
    this.events = parts.events
    this.messaging = parts.messaging
    this.self = new Self(parts)
    this.peers = new Peers(parts)
    this.trust = new Trust(parts)
    this.directories = new DirectoriesInUse(parts)
    this.invitations = parts.invitations
    this.files = parts.files
    this.shares = parts.shares
  }

  snapshot(): ChatSnapshot {
    const { self, peers, trust, directories } = this
    return snapshotOf({
      self: () => self.view(),
      roster: () => peers.roster(),
      programs: () => peers.programs(),
      contacts: () => peers.contacts(),
      blocked: () => trust.blocked(),
      directories: () => directories.views(),
      lan: () => peers.lan(),
      lostAtMs: () => undefined
    })
  }

  async examine(target: DoctorTarget, options: ExamineOptions = {}): Promise<DoctorReport> {
    const taken = this.#port.insteadOf?.port
    return new Doctor(doctorNode(this.#parts, { port: this.#port.port, takenPort: taken })).examine(target, options)
  }

  async figures(): Promise<NodeFigures> {
    return { connections: this.peers.connections(), misbehaviour: this.trust.misbehaviour, router: this.self.router }
  }

  /** Those of the profile that it has got, which may be another than the one that was asked for. */
  async settings(): Promise<readonly SettingView[]> {
    const settings = { ...this.#config.settings, profile: this.self.profile.name }
    return settingViews(await withProfileDefaults({ ...this.#config, settings }))
  }

  /** @throws PortTakenError when another program took the port meanwhile */
  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'started'
    this.#starting = this.#start()
    await this.#starting
  }

  /** QUIT: says goodbye, takes itself off the roster, then closes everything. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    await this.#stopping
  }

  async #start(): Promise<void> {
    const { files, host, messaging, network, profile, shares, events } = this.#parts
    await messaging.prepare()
    const { modes, exposedKey } = profile.mended
    if (exposedKey !== undefined) events.tell('notice', () => ({ code: 'exposed-key', text: exposedKey }))
    if (modes !== undefined) events.tell('notice', () => ({ code: 'file-modes', text: modes }))
    messaging.follow(host.chat)
    network.follow()
    await startHost(host.libp2p, { host: this.#config.settings.host, port: this.#port.port })
    await network.start()
    await this.#rememberPort()
    // A name that was given once is the name from then on.
    if (this.#config.sources.name === 'flag') await profile.book.setNickname(this.self.nickname)
    await messaging.resume()
    files.start()
    await shares.start()
  }

  /** Whatever fails on the way, the profile is free for the next one afterwards. */
  async #stop(): Promise<void> {
    const { files, host, invitations, messaging, network, profile, shares, events } = this.#parts
    const wasStarted = this.#state === 'started'
    this.#state = 'stopped'
    events.end()
    try {
      // libp2p can't be stopped while it starts. A failure is reported by start().
      await this.#starting?.catch(() => undefined)
      messaging.rest()
      invitations.stop()
      await Promise.all([files.stop(), shares.stop()])
      if (wasStarted) {
        // At the same time: one that does not answer our goodbye must not keep us on the rosters of all others.
        await Promise.all([network.withdraw(), messaging.stop()])
      }
      await network.stop()
      await host.libp2p.stop()
      await profile.book.flush()
    } finally {
      await messaging.close().finally(() => profile.release())
    }
  }

  async #rememberPort(): Promise<void> {
    const { events, profile } = this.#parts
    const { port, insteadOf } = this.#port
    if (insteadOf !== undefined) {
      const why = insteadOf instanceof PortTakenError ? 'is taken' : 'is not for this user'
      const text = `Port ${insteadOf.port} ${why}: Parley listens on port ${port} this time.`
      events.tell('notice', () => ({ code: 'port-taken', text }))
    } else if (profile.book.port === undefined && this.#config.settings.port === undefined) {
      await profile.book.setPort(port)
    }
  }
}

/**
 * Makes the parts of a node. The network and the conversations report to each other, and both use the host, which is
 * made last, as it serves what they answer.
 */
async function compose({
  config,
  profile,
  own,
  port,
  namedDirectories,
  namedRelays,
  observe,
  events
}: Foundation): Promise<ChatParts> {
  const misbehaviour = new MisbehaviourWatch(Date.now())
  const network = new ChatNetwork({ config, profile, namedDirectories, namedRelays, observe, events })
  const tellFault = (error: unknown): void =>
    events.tell('notice', () => ({ code: 'fault', text: `files.json can't be written: ${toError(error).message}` }))
  const messaging = new Messaging({
    config,
    book: profile.book,
    folder: profile.folder,
    own,
    network: network.connections,
    peers: network.peers,
    addresses: network.addresses,
    onOffer: (message) => void files.offered(message).catch(tellFault),
    events
  })
  const files: Files = new Files({
    book: await FileBook.open(profile.folder),
    folders: await SentFolders.open(profile.folder),
    automaticBytes: config.settings.files,
    isContact: (peer) => profile.book.contact(peer) !== undefined,
    downloads: config.folders.downloads ?? join(config.folders.data, 'downloads'),
    minFreeBytes: config.settings.minFree,
    network: network.connections,
    service: () => host.files,
    isBlocked: (peer) => profile.book.isBlocked(peer),
    sharers: (file) => shares.sharersOf(file),
    label: (peer) => network.peers.label(peer),
    send: async (peer, { text, ...rest }) => messaging.send(peer, text, rest),
    tell: (news) => events.tell('transfer', () => news)
  })
  const shares = new Shares({
    book: await ShareBook.open(profile.folder),
    folder: profile.folder,
    ownFolders: [config.folders.data, config.folders.config],
    isBlocked: (peer) => profile.book.isBlocked(peer),
    isContact: (peer) => profile.book.contact(peer) !== undefined,
    isLan: (peer) => network.connections.isLan(peer),
    tell: (views) => events.tell('share', () => ({ shares: views() })),
    network: network.connections,
    reachable: () => network.contactsInReach(),
    connected: () => network.contactsInReach().filter((peer) => network.connections.connection(peer) !== undefined),
    label: (peer) => network.peers.label(peer),
    take: async (peer, wanted) => files.take(peer, wanted),
    tellFound: (news) => events.tell('found', () => news)
  })
  const invitations: Invitations = new Invitations({
    networkName: config.settings.network,
    self: profile.id,
    searchesLan: config.settings.mdns,
    book: profile.book,
    network: codeNetwork(network),
    service: () => host.invite,
    accept: async (peer) => messaging.accept(peer),
    readAddress: readDirectoryAddress,
    events
  })
  profile.book.watch((part) => {
    if (part === 'blocked') void files.dropBlocked().catch(tellFault)
    events.tell('snapshot', () => ({ part }))
  })
  await network.presence.prepare()
  const host: ChatHost = await createChatHost({
    profile,
    settings: config.settings,
    port: port.port,
    observe,
    lan: network.lan,
    protocol: messaging.protocol,
    invitations: invitations.protocol,
    files: {
      offers: anyOf(files.onOffer, shares.own.onOffer),
      onSent: (peer, file, bytes) => files.sent(peer, file, bytes)
    },
    sharedWith: shares.own.sharedWith,
    ownEnvelope: () => network.presence.own.envelope,
    onMisbehaviour: (what: Misbehaviour) => {
      const report = misbehaviour.record(what, Date.now())
      if (report !== undefined) events.tell('notice', () => ({ code: 'misbehaviour', ...report }))
    },
    isConversing: (peer) => messaging.isOnScreen(peer),
    directories: () => network.serverPeers(),
    onPressure: (pressure) => events.tell('notice', () => pressureNotice(pressure)),
    stunServers: () => network.reachability.stunServers()
  })
  network.bind({ host, searches: messaging, codes: invitations, transfers: files, talks: messaging })
  return {
    networkName: config.settings.network,
    isObserver: observe,
    searchesLan: config.settings.mdns,
    proxy: proxyPlace(config.settings),
    namesRelays: namedRelays.length > 0,
    profile,
    port: port.port,
    host,
    network,
    messaging,
    invitations,
    files,
    shares,
    misbehaviour,
    events
  }
}

/** Nobody connects to a node that only looks: where its port is taken, another will do. */
function wantedPort(
  asked: number | undefined,
  usual: number | undefined,
  observe: boolean
): { readonly asked: number | undefined; readonly usual: number | undefined } {
  return observe ? { asked: undefined, usual: asked ?? usual } : { asked, usual }
}

/** The network, as far as codes need it. */
function codeNetwork(network: ChatNetwork): CodeNetwork {
  const { connections, lan, peers } = network
  return {
    directories: () => network.directories.views(),
    connection: (directory) => connections.connection(directory),
    lanPeers: () => lan.peers.peers(),
    connect: async (peer, options) => connections.connect(peer, options),
    lookAround: async (signal) => network.firstLook.once(signal, { thorough: false }),
    useDirectory: (address) => network.directories.use(address),
    name: (peer) => peers.name(peer),
    label: (peer) => peers.label(peer),
    refresh: (peer) => peers.refresh(peer)
  }
}

/** An object whose fields are worked out when they are read: a face asks for the roster of thousands, or for the name. */
function snapshotOf(fields: { readonly [K in keyof ChatSnapshot]: () => ChatSnapshot[K] }): ChatSnapshot {
  const descriptors = Object.fromEntries(
    Object.entries(fields).map(([name, get]) => [name, { get, enumerable: true, configurable: false }])
  )
  // Each field of ChatSnapshot has its getter.
  return Object.defineProperties({}, descriptors) as ChatSnapshot
}

/** What any of them offers. Each looks in memory alone, so that the time of an answer says nothing. */
function anyOf(...all: readonly FilesOnOffer[]): FilesOnOffer {
  return {
    open: async (peer, file) => {
      for (const one of all) {
        const opened = await one.open(peer, file)
        if (opened !== undefined) return opened
      }
      return undefined
    }
  }
}
