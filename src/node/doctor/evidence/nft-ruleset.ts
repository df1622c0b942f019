// The rules of nftables as `nft -j list ruleset` prints them: chains, their rules and
// named sets, found by name. It judges none of them.
import { isJson, type Json, parseJson } from '../../../lib/index.ts'

/** A chain that the kernel runs by itself, for packets that arrive or leave. */
export interface BaseChain extends ChainName {
  readonly hook: 'prerouting' | 'input' | 'output' | 'postrouting'
  readonly priority: number
  readonly policy: 'accept' | 'drop'
}

export interface ChainName {
  /** `inet`, `ip` or `ip6`. */
  readonly family: string
  readonly table: string
  readonly chain: string
}

/** A program that writes the rules; what it does not know of it overwrites. */
export type FirewallManager = 'ufw' | 'firewalld' | 'nftables'

export class NftRuleset {
  readonly baseChains: readonly BaseChain[]
  readonly #rules = new Map<string, Json[][]>()
  /** The elements of named sets and maps. */
  readonly #sets = new Map<string, readonly unknown[]>()
  readonly #tables = new Set<string>()

  /** @returns undefined for what is no ruleset */
  static read(text: string): NftRuleset | undefined {
    const entries = parseJson(text)?.['nftables']
    return Array.isArray(entries) ? new NftRuleset(entries.filter(isJson)) : undefined
  }

  private constructor(entries: readonly Json[]) {
    this.baseChains = entries
      .flatMap(({ chain }) => (isJson(chain) ? (baseChain(chain) ?? []) : []))
      .toSorted((a, b) => a.priority - b.priority)
    for (const { table, rule, set, map } of entries) {
      if (isJson(table)) this.#tables.add(textOf(table['name']))
      if (isJson(rule)) this.#addRule(rule)
      for (const one of [set, map]) {
        if (isJson(one) && Array.isArray(one['elem'])) this.#sets.set(keyOf(one, one['name']), one['elem'])
      }
    }
  }

  /** Each rule as its list of statements. */
  rulesOf({ family, table, chain }: ChainName): readonly (readonly Json[])[] {
    return this.#rules.get(keyOf({ family, table }, chain)) ?? []
  }

  /** @returns undefined when there is no such set */
  elementsOf({ family, table }: ChainName, name: string): readonly unknown[] | undefined {
    return this.#sets.get(keyOf({ family, table }, name))
  }

  /** Whose rules these are. */
  get manager(): FirewallManager {
    if (this.#tables.has('firewalld')) return 'firewalld'
    return [...this.#rules.keys()].some((key) => / ufw6?-/u.test(key)) ? 'ufw' : 'nftables'
  }

  #addRule(rule: Json): void {
    const { expr } = rule
    if (!Array.isArray(expr)) return
    const key = keyOf(rule, rule['chain'])
    const rules = this.#rules.get(key) ?? []
    rules.push(expr.filter(isJson))
    this.#rules.set(key, rules)
  }
}

function baseChain({ family, table, name, type, hook, prio, policy }: Json): BaseChain | undefined {
  const isFilter = type === 'filter' && (family === 'inet' || family === 'ip' || family === 'ip6')
  if (!isFilter || typeof table !== 'string' || typeof name !== 'string') return undefined
  if (hook !== 'prerouting' && hook !== 'input' && hook !== 'output' && hook !== 'postrouting') return undefined
  const priority = typeof prio === 'number' ? prio : 0
  return { family, table, chain: name, hook, priority, policy: policy === 'drop' ? 'drop' : 'accept' }
}

function keyOf({ family, table }: { readonly family?: unknown; readonly table?: unknown }, name: unknown): string {
  return [family, table, name].map(textOf).join(' ')
}

/** What JSON writes for a name. An object has none: even its `toString` may be a field of it. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
