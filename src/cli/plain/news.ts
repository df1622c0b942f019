// What happens on the node, as lines on the terminal: the roster, directories, messages,
// requests, who enters and leaves, and what became of own messages. It decides nothing
// and sends nothing.
import { alignedInterval, LruMap } from '../../lib/index.ts'
import type { PresenceLines } from '../../node/settings.ts'
import type { ChatApi, ChatNodeEvents, ConversationState } from '../chat-api/chat-api.ts'
import { unreadCounts } from '../chat-commands/history-commands.ts'
import { MAX_NUMBERED_PEERS, type RosterNumbers } from '../chat-commands/named-peer.ts'
import { PROGRESS_TICK_MS } from '../process/progress-line.ts'
import { ConnectionProgress, ENTERED_AGAIN_MS, PresenceFilter, RefusalNews } from '../wording/conversation-news.ts'
import { DirectoryNews } from '../wording/directory-wording.ts'
import { reachableAt } from '../wording/identity-wording.ts'
import { invitationNewsText } from '../wording/invitation-wording.ts'
import { searchNewsText } from '../wording/share-wording.ts'
import { transferNewsText } from '../wording/transfer-wording.ts'
import { messageLines } from '../wording/message-wording.ts'
import { ROSTER_COALESCE_MS, type UnreadCounts } from '../wording/roster-wording.ts'
import { asOfText } from '../wording/time-span.ts'
import { OwnMessages } from './own-messages.ts'
import { RequestNews } from './request-news.ts'
import { RosterView } from './roster-view.ts'
import type { PlainTerminal } from './terminal.ts'

/** A peer that leaves the conversation and then, within this time, the network is reported in one line. */
const GOODBYE_COALESCE_MS = 250

/** At most this many events wait for the first screen of `--plain`; they follow below it. */
const MAX_EARLY_NEWS = 1000

interface OpenConversation {
  readonly peer: string
  readonly name: string
  readonly progress: ConnectionProgress
}

interface NewsInit {
  readonly node: ChatApi
  readonly terminal: PlainTerminal
  readonly numbers: RosterNumbers
  readonly presenceLines: PresenceLines
}

export class News {
  /** What this face sends, and what other commands do. */
  readonly own: OwnMessages
  readonly #node: ChatApi
  readonly #terminal: PlainTerminal
  readonly #numbers: RosterNumbers
  readonly #roster: RosterView
  readonly #requests: RequestNews
  readonly #directories = new DirectoryNews()
  readonly #presence: PresenceFilter
  readonly #refusals = new RefusalNews()
  readonly #unsubscribe: (() => void)[] = []
  #conversation: OpenConversation | undefined
  readonly #enteredAtMs = new LruMap<string, number>(MAX_NUMBERED_PEERS)
  #begun = false
  /** What happens before the first screen is printed, in order; undefined after it. */
  #early: (() => void)[] | undefined = []
  #hasLan: boolean
  /** The addresses that were printed last. */
  #place: ReturnType<typeof reachableAt>
  #rosterTimer: NodeJS.Timeout | undefined
  #stopTicking: (() => void) | undefined
  /** This face forgets a conversation itself, and says so by the command's result. */
  #isForgetting = false
  /** The peer of the open conversation has left it, and that has not been said yet. */
  #leaving: { readonly name: string; readonly timer: NodeJS.Timeout } | undefined

  constructor(init: NewsInit) {
    this.#node = init.node
    this.#terminal = init.terminal
    this.#numbers = init.numbers
    this.#roster = new RosterView(init.numbers, { columns: () => init.terminal.fold.columns })
    this.#requests = new RequestNews({
      numberOf: (peer) => init.numbers.of(peer),
      // A problem with the disk is reported as a notice.
      waiting: async () => init.node.messaging.requests().catch(() => undefined),
      print: (lines) => this.#print(lines)
    })
    this.own = new OwnMessages({
      node: init.node,
      openPeer: () => this.#conversation?.peer,
      fold: () => init.terminal.fold,
      print: (lines) => this.#print(lines)
    })
    this.#hasLan = init.node.snapshot().self.searchesLan
    this.#presence = new PresenceFilter(init.presenceLines)
    this.#place = reachableAt(init.node.snapshot().self.addresses)
    this.#listen()
  }

  /** Says which directory is used; from now on changes are reported. */
  begin(): void {
    this.#begun = true
    const { directories, self } = this.#node.snapshot()
    const others = { hasLan: this.#hasLan, hasRelays: self.namesRelays }
    this.#say(this.#directories.summary(directories, others, Date.now()))
  }

  rosterLines(unread: UnreadCounts): string[] {
    const { roster, lostAtMs } = this.#node.snapshot()
    const lines = this.#roster.all(roster, unread)
    return lostAtMs === undefined ? lines : [asOfText(lostAtMs, Date.now()), ...lines]
  }

  /** The whole list, with what is unread as far as the history can be read. */
  async showRoster(): Promise<void> {
    this.#print(this.rosterLines(await this.#unread()))
  }

  /** The waiting requests, as far as the history can be read; from now on each new one is reported. */
  async showRequests(): Promise<void> {
    this.#requests.begin()
    // A problem with the disk is reported as a notice.
    this.#requests.showAll(await this.#node.messaging.requests().catch(() => []))
  }

  /** The first screen is printed: what has happened meanwhile follows below it, and later events at once. */
  tellEarly(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const tell of early) tell()
  }

  /** How many messages of the peer are unread, as far as the history can be read. */
  async unreadOf(peer: string): Promise<number> {
    return (await this.#unread()).get(peer) ?? 0
  }

  async #unread(): Promise<UnreadCounts> {
    try {
      return await unreadCounts(this.#node)
    } catch {
      // A notice reports a problem with the disk; the roster needs no disk.
      return new Map()
    }
  }

  /** Runs `/forget` of this face. */
  async forgetting<T>(run: () => Promise<T>): Promise<T> {
    this.#isForgetting = true
    try {
      return await run()
    } finally {
      this.#isForgetting = false
    }
  }

  /** Sets the conversation on the screen, or none. Its connection is reported until the next call. */
  show(conversation: { peer: string; name: string } | undefined): void {
    this.#stopTicking?.()
    this.#terminal.progress(undefined)
    this.#dropLeft()
    this.#conversation = undefined
    if (conversation === undefined) return
    const progress = new ConnectionProgress(this.#node.peers.look(conversation.peer).label)
    this.#conversation = { ...conversation, progress }
    this.#presence.talked(conversation.peer, Date.now())
    this.#say(progress.changed(this.#node.peers.look(conversation.peer).state, Date.now()))
    this.#stopTicking = alignedInterval(() => this.#tick(), PROGRESS_TICK_MS)
    this.#tick()
  }

  stop(): void {
    this.tellEarly()
    this.#stopTicking?.()
    clearTimeout(this.#rosterTimer)
    this.own.stop()
    this.#requests.stop()
    this.#dropLeft()
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
  }

  #listen(): void {
    this.#on('roster', () => this.#rosterChanged())
    this.#onTold('self', ({ detail }) => this.#placeChanged(reachableAt(detail.addresses)))
    this.#on('directory', ({ detail }) => {
      if (this.#begun) this.#say(this.#directories.changed(detail, Date.now()))
    })
    this.#onTold('message', ({ detail }) => {
      if (detail.arrival === 'accepted') this.#print(this.#incoming(detail.message.peer, detail.message.text))
    })
    this.#on('request', ({ detail }) => this.#requests.told(detail))
    this.#onTold('sent', ({ detail: { message } }) => {
      if (message.peer === this.#conversation?.peer) this.#presence.talked(message.peer, Date.now())
      this.own.told(message)
    })
    this.#onTold('delivery', ({ detail }) => this.own.changed({ ...detail.message, state: detail.state }))
    this.#onTold('refused', ({ detail }) => {
      const line = this.#refusals.line({ ...detail, name: detail.label }, Date.now())
      if (line !== undefined) this.#say([line])
    })
    this.#onTold('conversation', ({ detail }) => this.#conversationChanged(detail.peer, detail.state))
    this.#on('expired', ({ detail: { beforeMs } }) => this.#terminal.forgetTyped(beforeMs))
    this.#on('forgotten', ({ detail: { peer } }) => {
      this.#requests.answered(peer)
      if (this.#isForgetting || this.#conversation?.peer !== peer) return
      // Lines that are printed can't be taken back.
      const name = this.#node.peers.look(peer).label
      this.#say([`All messages with ${name} were deleted on this machine, by another window or command.`])
    })
    this.#onTold('entered', ({ detail }) => this.#entered(detail.peer))
    this.#onTold('left', ({ detail }) => this.#left(detail))
    this.#on('contact', ({ detail: { peer, label } }) => {
      if (this.#conversation?.peer === peer) this.#conversation.progress.name = label
    })
    this.#on('notice', ({ detail }) => {
      if (detail.code === 'no-multicast' || detail.code === 'multicast') this.#hasLan = detail.works
    })
    this.#onTold('invitation', ({ detail }) => this.#say([invitationNewsText(detail)]))
    this.#onTold('found', ({ detail }) => this.#say([searchNewsText(detail)]))
    this.#onTold('transfer', ({ detail }) => {
      const text = transferNewsText(detail)
      if (text !== undefined) this.#say([text])
    })
    this.#onTold('notice', ({ detail }) => {
      // Between empty lines: it must not pass with the rest.
      const isLoud = detail.code === 'key-changed' || detail.code === 'exposed-key'
      this.#say(isLoud ? ['', `!!! WARNING: ${detail.text}`, ''] : [`Note: ${detail.text}`])
    })
  }

  #on<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void {
    this.#node.events.addEventListener(type, listener)
    this.#unsubscribe.push(() => this.#node.events.removeEventListener(type, listener))
  }

  /** The same for events: those that come before the first screen follow below it. */
  #onTold<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void {
    this.#on(type, (event) => {
      if (this.#early === undefined) {
        listener(event)
        return
      }
      this.#early.push(() => listener(event))
      if (this.#early.length >= MAX_EARLY_NEWS) this.tellEarly()
    })
  }

  /** The greeting has scrolled away, and the user may still give its outdated host to others. */
  #placeChanged(place: ReturnType<typeof reachableAt>): void {
    if (place?.host === this.#place?.host && place?.port === this.#place?.port) return
    this.#place = place
    this.#say([
      place === undefined
        ? 'You are no longer listening for connections.'
        : `You are now at host ${place.host}, port ${place.port}.`
    ])
  }

  #rosterChanged(): void {
    if (!this.#begun || this.#rosterTimer !== undefined) return
    this.#rosterTimer = setTimeout(() => {
      this.#rosterTimer = undefined
      void this.#sayRosterChange()
    }, ROSTER_COALESCE_MS)
  }

  /** In a conversation the list is out of the way; EXIT shows all of it. */
  async #sayRosterChange(): Promise<void> {
    if (this.#conversation !== undefined) return
    const unread = await this.#unread()
    if (this.#conversation === undefined) this.#print(this.#roster.changes(this.#node.snapshot().roster, unread))
  }

  #incoming(peer: string, text: string): string[] {
    const label = this.#node.peers.look(peer).label
    if (this.#conversation?.peer === peer) {
      this.#sayLeft()
      this.#presence.talked(peer, Date.now())
    }
    const who = this.#conversation?.peer === peer ? label : `[${this.#numbers.of(peer)} ${label}]`
    return messageLines(who, text, this.#terminal.fold)
  }

  #conversationChanged(peer: string, state: ConversationState): void {
    if (this.#conversation?.peer !== peer) return
    const { progress } = this.#conversation
    const lines = progress.changed(state, Date.now())
    // "Is back" is filtered like "came"; the reason why a peer can't be reached is always shown.
    const isPresence = state.name === 'open' && progress.hasBeenOpen
    if (!isPresence || this.#presence.isShown(peer, Date.now())) this.#say(lines)
    this.#tick()
  }

  #entered(peer: string): void {
    const label = this.#node.peers.look(peer).label
    if (this.#conversation?.peer === peer) this.#sayLeft()
    const saidAtMs = this.#enteredAtMs.get(peer) ?? Number.NEGATIVE_INFINITY
    if (Date.now() - saidAtMs < ENTERED_AGAIN_MS) return
    this.#enteredAtMs.set(peer, Date.now())
    if (this.#conversation?.peer === peer) {
      if (this.#presence.isShown(peer, Date.now())) this.#say([`${label} is in the conversation.`])
      return
    }
    const number = this.#numbers.of(peer)
    // Its name would reach another peer with the same name.
    const orName = label === this.#node.peers.look(peer).name ? ' or its name' : ''
    const answer = this.#conversation === undefined ? `type ${number}${orName}` : `type /chat ${number}`
    this.#say([`${label} has opened a conversation with you: ${answer} to answer.`])
  }

  #left({ peer, reason }: { peer: string; reason: 'left' | 'quit' }): void {
    if (this.#conversation?.peer !== peer) return
    const name = this.#node.peers.look(peer).label
    if (reason === 'left') {
      if (!this.#presence.isShown(peer, Date.now())) return
      this.#leaving ??= { name, timer: setTimeout(() => this.#sayLeft(), GOODBYE_COALESCE_MS) }
      return
    }
    this.#conversation.progress.goneAway()
    this.#dropLeft()
    if (!this.#presence.isShown(peer, Date.now())) return
    this.#say([`${name} has left the network; your messages wait. Type EXIT to return to the list.`])
  }

  /** A peer that leaves the conversation and then the network: only the latter is reported. */
  #sayLeft(): void {
    const { name } = this.#leaving ?? {}
    this.#dropLeft()
    if (name !== undefined) this.#say([`${name} has left the conversation. Type EXIT to return to the list.`])
  }

  #dropLeft(): void {
    clearTimeout(this.#leaving?.timer)
    this.#leaving = undefined
  }

  #tick(): void {
    if (this.#conversation === undefined) return
    const { progress } = this.#conversation
    const isLost = this.#node.snapshot().lostAtMs !== undefined
    this.#terminal.progress(isLost ? 'waiting for Parley' : progress.status(Date.now()))
    if (!isLost && !this.#terminal.interactive) this.#say(progress.lateLines(Date.now()))
  }

  #print(lines: readonly string[]): void {
    if (lines.length > 0) this.#terminal.print(lines)
  }

  #say(lines: readonly string[]): void {
    if (lines.length > 0) this.#terminal.say(lines)
  }
}
