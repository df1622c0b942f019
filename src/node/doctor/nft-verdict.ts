// What nftables does to a packet: which chains drop it, and whether that is certain. A
// rule that can't be judged is passed over, and from then on the answer is only likely.
// Pure.
import { isIPv4 } from 'node:net'
import { mappedVerdict, matches, type Packet, type Truth } from './nft-match.ts'
import { type BaseChain, type ChainName, isJson, type Json, type NftRuleset } from './nft-ruleset.ts'

/** nftables allows sixteen jumps; a ruleset that was read while it changed might go in a circle. */
const MAX_JUMPS = 16

export interface NftDrop extends ChainName {
  readonly by: 'rule' | 'policy'
  /** Every rule before it could be judged. */
  readonly isCertain: boolean
}

type Fate = 'accept' | 'drop' | 'passed'

interface Outcome {
  readonly fate: Fate
  readonly isCertain: boolean
}

/** The chains that drop the packet, in the order in which it meets them. */
export function dropsOf(packet: Packet, ruleset: NftRuleset): readonly NftDrop[] {
  const hooks = packet.direction === 'in' ? ['prerouting', 'input'] : ['output', 'postrouting']
  const chains = ruleset.baseChains.filter(({ family, hook }) => hooks.includes(hook) && isOf(family, packet))
  return chains.flatMap((base) => dropBy(base, packet, ruleset) ?? [])
}

function dropBy(base: BaseChain, packet: Packet, ruleset: NftRuleset): NftDrop | undefined {
  const { family, table, chain, policy } = base
  const { fate, isCertain } = walk(base, packet, ruleset, 0)
  const dropped = { family, table, chain, isCertain }
  if (fate === 'drop') return { ...dropped, by: 'rule' }
  return fate === 'passed' && policy === 'drop' ? { ...dropped, by: 'policy' } : undefined
}

function walk(chain: ChainName, packet: Packet, ruleset: NftRuleset, depth: number): Outcome {
  let isCertain = true
  if (depth > MAX_JUMPS) return { fate: 'passed', isCertain: false }
  for (const statements of ruleset.rulesOf(chain)) {
    const { holds, verdict } = judge(statements, packet, { ruleset, chain })
    if (holds === 'no' || verdict === undefined) continue
    if (holds === 'maybe') {
      isCertain = false
      continue
    }
    const to = targetOf(verdict)
    if (to !== undefined) {
      const inner = walk({ ...chain, chain: to }, packet, ruleset, depth + 1)
      isCertain &&= inner.isCertain
      if (inner.fate !== 'passed') return { fate: inner.fate, isCertain }
      if ('goto' in verdict) return { fate: 'passed', isCertain }
    } else if ('accept' in verdict) return { fate: 'accept', isCertain }
    else if ('drop' in verdict || 'reject' in verdict) return { fate: 'drop', isCertain }
    else if ('return' in verdict) return { fate: 'passed', isCertain }
    else isCertain = false // handed to a program
  }
  return { fate: 'passed', isCertain }
}

interface Judged {
  readonly holds: Truth
  /** The statement that decides; undefined for a rule that only counts or logs. */
  readonly verdict: Json | undefined
}

const verdicts = ['accept', 'drop', 'reject', 'return', 'jump', 'goto', 'queue'] as const

function judge(
  statements: readonly Json[],
  packet: Packet,
  surroundings: { readonly ruleset: NftRuleset; readonly chain: ChainName }
): Judged {
  let holds: Truth = 'yes'
  for (const statement of statements) {
    const { match, vmap } = statement
    if (isJson(match)) {
      const truth = matches(match, packet, surroundings)
      if (truth === 'no') return { holds: 'no', verdict: undefined }
      if (truth === 'maybe') holds = 'maybe'
    } else if (isJson(vmap)) {
      const verdict = mappedVerdict(vmap, packet, surroundings)
      if (verdict === 'maybe') return { holds: 'maybe', verdict: statement }
      if (verdict !== undefined) return { holds, verdict }
    } else if ('xt' in statement) holds = 'maybe' // of iptables, which nft does not translate
    else if (verdicts.some((verdict) => verdict in statement)) return { holds, verdict: statement }
  }
  return { holds, verdict: undefined }
}

function targetOf(verdict: Json): string | undefined {
  const to = verdict['jump'] ?? verdict['goto']
  return isJson(to) && typeof to['target'] === 'string' ? to['target'] : undefined
}

function isOf(family: string, { target }: Packet): boolean {
  return family === 'inet' || family === (isIPv4(target) ? 'ip' : 'ip6')
}
