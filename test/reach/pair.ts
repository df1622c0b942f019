// Two real `parley` processes at two places of a small Internet, and a directory that
// both reach: what a run does to them, and what of it can be measured from outside. It
// judges nothing.
import { JsonParley, ParleyProcessError, randomNetwork } from '../fault/json-parley.ts'
import { Internet, type InternetHost, type Site, type SiteInit } from '../netns/internet.ts'
import { serverName, WebServer } from '../netns/web-server.ts'
import { lossesOf, noLosses, type Losses } from './losses.ts'

/** The one port that every network lets out. */
const directoryPort = 443
/** Where the directory is behind a web server, which has that port. */
const ownPorts = { tcp: 8000, ws: 8081 } as const
/** The directory stands at the first site. */
const directorySite = 0

/** Where a peer is: at a site behind the directory's, counted from 0, the host of that number. */
export interface Place {
  readonly site: number
  readonly host?: number
}

export interface PairInit {
  /** Beside the directory's. */
  readonly sites: readonly SiteInit[]
  readonly anna: Place
  readonly berta: Place
  /** The directory is behind a web server, and known by its name and TCP port; default it has port 443 itself. */
  readonly isBehindWebServer?: boolean
  /** What the line of each of these sites adds, each way; default nothing. */
  readonly delayMs?: number
}

export interface Exchange {
  readonly toAnna: Losses
  readonly toBerta: Losses
}

export class Pair {
  readonly anna: JsonParley
  readonly berta: JsonParley
  readonly annaId: string
  readonly bertaId: string
  readonly #init: PairInit
  readonly #internet: Internet
  readonly #directory: JsonParley
  readonly #server: WebServer | undefined
  #exchanges = 0

  static async start(init: PairInit): Promise<Pair> {
    const { delayMs = 0, isBehindWebServer = false } = init
    const line = delayMs > 0 ? { delayMs } : undefined
    const sites = init.sites.map((site) => ({ ...site, line }))
    const internet = await Internet.create([{ kind: 'public' }, ...sites])
    const running: JsonParley[] = []
    let server: WebServer | undefined
    try {
      const network = randomNetwork()
      const trusting = (): readonly string[] =>
        server === undefined ? [] : ['env', `NODE_EXTRA_CA_CERTS=${server.authorityFile}`]
      const spawn = async (host: InternetHost, args: readonly string[]): Promise<JsonParley> => {
        const wrapper = [...host.wrapper, ...trusting()]
        const parley = await JsonParley.spawn({ wrapper, secluded: false, network, args })
        running.push(parley)
        return parley
      }
      const at = internet.host(directorySite)
      if (isBehindWebServer) {
        await internet.giveHost(serverName, at.address)
        server = await WebServer.start('nginx', at.wrapper)
      }
      const port = isBehindWebServer ? ownPorts.tcp : directoryPort
      const place = isBehindWebServer ? `${serverName}:${port}` : `${at.address}:${port}`
      const webSocket = isBehindWebServer ? ['--ws-port', String(ownPorts.ws), '--trusted-proxy', '127.0.0.1'] : []
      const args = ['directory', '--port', String(port), '--no-mdns', '--no-http', ...webSocket]
      const directory = await spawn(at, args)
      await directory.until('"listening"', () => directory.events.find(({ event }) => event === 'listening'))
      const start = async (name: string, { site, host }: Place): Promise<JsonParley> => {
        const options = ['--name', name, '--accept', 'all', '--directory', place]
        return spawn(internet.host(site + 1, host), options)
      }
      const [anna, berta] = await Promise.all([start('anna', init.anna), start('berta', init.berta)])
      const [annaId, bertaId] = await Promise.all([anna.peerId(), berta.peerId()])
      const pair = new Pair({ init, internet, directory, server, anna, berta, annaId, bertaId })
      await pair.untilBothSeen()
      return pair
    } catch (error) {
      await Promise.all(running.map(async (one) => one.stop()))
      await server?.stop()
      await internet.remove()
      throw error
    }
  }

  private constructor(made: {
    readonly init: PairInit
    readonly internet: Internet
    readonly directory: JsonParley
    readonly server: WebServer | undefined
    readonly anna: JsonParley
    readonly berta: JsonParley
    readonly annaId: string
    readonly bertaId: string
  }) {
    this.#init = made.init
    this.#internet = made.internet
    this.#directory = made.directory
    this.#server = made.server
    this.anna = made.anna
    this.berta = made.berta
    this.annaId = made.annaId
    this.bertaId = made.bertaId
  }

  /** The site at which anna is. */
  get annasSite(): Site {
    return this.#internet.site(this.#init.anna.site + 1)
  }

  get annasHost(): InternetHost {
    return this.#internet.host(this.#init.anna.site + 1, this.#init.anna.host)
  }

  /** Resolves when each has the other on its roster. */
  async untilBothSeen(): Promise<void> {
    await Promise.all([untilSeen(this.anna, this.bertaId), untilSeen(this.berta, this.annaId)])
  }

  /** Anna writes to berta for the first time. @returns when she did, and when berta's program showed it */
  async firstMessage(): Promise<{ readonly sentAtMs: number; readonly shownAtMs: number }> {
    const sentAtMs = performance.now()
    await this.anna.do({ do: 'send', peer: this.bertaId, text: 'first' })
    await this.berta.untilTexts(this.annaId, 1)
    const shown = this.berta.events.find((one) => one.event === 'message' && one['text'] === 'first')
    return { sentAtMs, shownAtMs: shown?.atMs ?? Number.NaN }
  }

  /** @returns when the second of them had the conversation on one of these paths; undefined when that does not come */
  async untilPath(paths: readonly string[]): Promise<number | undefined> {
    try {
      const reached = [this.anna.untilPath(this.bertaId, ...paths), this.berta.untilPath(this.annaId, ...paths)]
      return Math.max(...(await Promise.all(reached)).map(({ atMs }) => atMs))
    } catch (error) {
      if (error instanceof ParleyProcessError) return undefined
      throw error
    }
  }

  /** Both open the conversation with each other, and keep it. */
  async converse(): Promise<void> {
    await this.anna.do({ do: 'chat', peer: this.bertaId })
    await this.berta.do({ do: 'chat', peer: this.annaId })
    await this.anna.untilConversation(this.bertaId, 'open')
    await this.berta.untilConversation(this.annaId, 'open')
  }

  /** Both write at the same time. Resolves when the last message of each is there, and so all before it. */
  async exchange(messages: number): Promise<Exchange> {
    const number = ++this.#exchanges
    const say = (from: JsonParley, to: string, name: string): readonly string[] => {
      const texts = Array.from({ length: messages }, (_, at) => `${name} ${number}.${at + 1}`)
      from.tell(texts.map((text) => ({ do: 'send', peer: to, text })))
      return texts
    }
    const byAnna = say(this.anna, this.bertaId, 'anna')
    const byBerta = say(this.berta, this.annaId, 'berta')
    await Promise.all([untilText(this.berta, this.annaId, byAnna), untilText(this.anna, this.bertaId, byBerta)])
    const isOfThis = (text: string): boolean => / (\d+)\./u.exec(text)?.[1] === String(number)
    return {
      toAnna: lossesOf(byBerta, this.anna.textsFrom(this.bertaId).filter(isOfThis)),
      toBerta: lossesOf(byAnna, this.berta.textsFrom(this.annaId).filter(isOfThis))
    }
  }

  /** What the conversation runs over, as each of them says: mostly the same. */
  async paths(): Promise<readonly string[]> {
    const [annas, bertas] = await Promise.all([
      this.anna.do({ do: 'path', peer: this.bertaId }),
      this.berta.do({ do: 'path', peer: this.annaId })
    ])
    return [String(annas['path']), String(bertas['path'])]
  }

  async stop(): Promise<void> {
    await Promise.all([this.anna, this.berta, this.#directory].map(async (one) => one.stop()))
    await this.#server?.stop()
    await this.#internet.remove()
  }
}

export function isWell({ toAnna, toBerta }: Exchange): boolean {
  return noLosses(toAnna) && noLosses(toBerta)
}

async function untilSeen(parley: JsonParley, peer: string): Promise<void> {
  await parley.until(`${peer} on its roster`, () => (sees(parley, peer) ? true : undefined))
}

/** By the last event that is about the peer. */
function sees({ events }: JsonParley, peer: string): boolean {
  const isIn = (rows: unknown): boolean =>
    Array.isArray(rows) && rows.some((row: { readonly peer?: unknown }) => row.peer === peer)
  for (const one of events.toReversed()) {
    if (one.event === 'roster' && isIn(one['left'])) return false
    if (one.event === 'roster' && (isIn(one['joined']) || isIn(one['changed']))) return true
    if (one.event === 'ready') return isIn(one['roster'])
  }
  return false
}

async function untilText(parley: JsonParley, peer: string, texts: readonly string[]): Promise<void> {
  const last = texts.at(-1) ?? ''
  await parley.until(`"${last}"`, () => (parley.textsFrom(peer).includes(last) ? true : undefined))
}
