// The shares of a node as its faces use them: the own ones, and those of others. Each method asks the part that owns the
// rule.
import type { SharesApi } from '../api/share-views.ts'
import { OwnShares, type OwnSharesInit } from './own-shares.ts'
import { RemoteShares, type RemoteSharesInit } from './remote-shares.ts'
import { StandingSearches, type StandingSearchesInit } from './standing-searches.ts'

export interface SharesInit extends OwnSharesInit, RemoteSharesInit, Omit<StandingSearchesInit, 'ask' | 'tell'> {
  readonly tellFound: StandingSearchesInit['tell']
}

export class Shares implements SharesApi {
  readonly own: OwnShares
  readonly #remote: RemoteShares
  readonly #standing: StandingSearches

  constructor(init: SharesInit) {
    this.own = new OwnShares(init)
    this.#remote = new RemoteShares(init)
    this.#standing = new StandingSearches({
      connected: init.connected,
      ask: async (plan, words) => {
        await this.#remote.ask(plan, words)
        return this.#remote.foundBy(plan)
      },
      tell: init.tellFound
    })
  }

  /** Begins to read what is shared. */
  async start(): Promise<void> {
    this.#remote.start()
    await this.own.start()
  }

  async stop(): Promise<void> {
    this.#standing.end()
    this.#remote.stop()
    await this.own.stop()
  }

  sharersOf(file: string): readonly string[] {
    return this.#remote.sharersOf(file)
  }

  add: SharesApi['add'] = async (...args) => this.own.add(...args)
  list: SharesApi['list'] = async () => this.own.list()
  remove: SharesApi['remove'] = async (name) => this.own.remove(name)
  browse: SharesApi['browse'] = async (...args) => this.#remote.browse(...args)
  get: SharesApi['get'] = async (...args) => this.#remote.get(...args)
  find: SharesApi['find'] = async (...args) => this.#remote.find(...args)
  keepFinding: SharesApi['keepFinding'] = async (words) => this.#standing.add(words)
  endFinding: SharesApi['endFinding'] = async (words) => this.#standing.end(words)
}
