/** Packets followed through rulesets as `nft -j list ruleset` prints them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NftRuleset } from '../../../src/node/doctor/evidence/nft-ruleset.ts'
import { dropsOf, type Packet } from '../../../src/node/doctor/evidence/nftables.ts'

const mdns: Packet = {
  direction: 'in',
  interface: 'eth0',
  protocol: 'udp',
  source: '10.0.0.9',
  sourcePort: 5353,
  target: '224.0.0.251',
  targetPort: 5353
}
const connection: Packet = { ...mdns, protocol: 'tcp', sourcePort: 50_000, target: '10.0.0.7', targetPort: 4001 }

type Expr = readonly object[]

const table = { family: 'inet', table: 'fw' } as const

function base(hook: string, policy: string): object {
  return { chain: { ...table, name: hook, type: 'filter', hook, prio: 0, policy } }
}

function rule(chain: string, ...expr: Expr): object {
  return { rule: { ...table, chain, expr } }
}

function match(left: object, right: unknown, op = '=='): object {
  return { match: { op, left, right } }
}

const dport = (protocol: string): object => ({ payload: { protocol, field: 'dport' } })
const iifname = { meta: { key: 'iifname' } }
const accept = { accept: null }
const drop = { drop: null }

function ruleset(...entries: readonly object[]): NftRuleset {
  const read = NftRuleset.read(JSON.stringify({ nftables: [{ table: { family: 'inet', name: 'fw' } }, ...entries] }))
  if (read === undefined) throw new TypeError('not a ruleset')
  return read
}

const dropped = { family: 'inet', table: 'fw', chain: 'input' }

test('of the conditions of iptables those are judged that can only mean one thing', () => {
  const xt = (name: string): object => ({ xt: { type: 'match', name } })
  const isCertain = (...expr: Expr) =>
    dropsOf(connection, ruleset(base('input', 'drop'), rule('input', ...expr))).map((one) => one.isCertain)
  expect(isCertain(xt('conntrack'), accept)).toEqual([true])
  expect(isCertain(match(dport('tcp'), 4001), xt('conntrack'), accept)).toEqual([false])
  expect(isCertain(xt('multiport'), accept)).toEqual([false])
  expect(isCertain(match(dport('tcp'), 4001), xt('comment'), accept)).toEqual([])
  expect(isCertain(match({ exthdr: { name: 'rt', field: 'type' } }, 0), drop)).toEqual([true])
})

test('a packet is for this machine, or for a group', () => {
  const only = (kind: string): NftRuleset =>
    ruleset(base('input', 'drop'), rule('input', match({ fib: { result: 'type', flags: ['daddr'] } }, kind), accept))
  expect([dropsOf(connection, only('local')), dropsOf(mdns, only('multicast'))]).toEqual([[], []])
  expect([dropsOf(connection, only('multicast')).length, dropsOf(mdns, only('local')).length]).toEqual([1, 1])
})

test('a rule that matches drops, and only what it matches', () => {
  const rules = ruleset(base('input', 'accept'), rule('input', match(dport('udp'), 5353), drop))
  expect(dropsOf(mdns, rules)).toEqual([{ ...dropped, by: 'rule', isCertain: true }])
  expect(dropsOf(connection, rules)).toEqual([])
  expect(dropsOf({ ...mdns, direction: 'out' }, rules)).toEqual([])
})

test('what no rule accepts falls to the policy', () => {
  const rules = ruleset(
    base('input', 'drop'),
    rule('input', match({ meta: { key: 'iif' } }, 'lo'), accept),
    rule('input', match({ ct: { key: 'state' } }, ['established', 'related'], 'in'), accept),
    rule('input', match(dport('tcp'), { set: [22, { range: [4000, 4010] }] }), accept)
  )
  expect(dropsOf(mdns, rules)).toEqual([{ ...dropped, by: 'policy', isCertain: true }])
  expect(dropsOf(connection, rules)).toEqual([])
})

test('jumps return, verdict maps decide, and named sets are looked up', () => {
  const rules = ruleset(
    { set: { ...table, name: 'friends', elem: [{ prefix: { addr: '10.0.0.0', len: 24 } }] } },
    base('input', 'drop'),
    { chain: { ...table, name: 'services' } },
    rule('services', match(dport('tcp'), 22), accept),
    rule('services', match({ payload: { protocol: 'ip', field: 'saddr' } }, '@friends'), { return: null }),
    rule('services', drop),
    rule('input', match(iifname, 'eth*'), { jump: { target: 'services' } }),
    rule('input', {
      vmap: {
        key: { meta: { key: 'l4proto' } },
        data: {
          set: [
            ['udp', accept],
            ['tcp', drop]
          ]
        }
      }
    })
  )
  expect(dropsOf(mdns, rules)).toEqual([])
  expect(dropsOf(connection, rules)).toEqual([{ ...dropped, by: 'rule', isCertain: true }])
  expect(dropsOf({ ...mdns, source: '10.9.9.9' }, rules)).toEqual([{ ...dropped, by: 'rule', isCertain: true }])
})

test('a rule that can not be judged makes what follows uncertain, and decides nothing', () => {
  const maybe = match({ fib: { result: 'oif', flags: ['saddr', 'iif'] } }, 'local')
  const strict = ruleset(base('input', 'drop'), rule('input', maybe, accept))
  expect(dropsOf(connection, strict)).toEqual([{ ...dropped, by: 'policy', isCertain: false }])
  const lax = ruleset(base('input', 'accept'), rule('input', { xt: null }, drop))
  expect(dropsOf(connection, lax)).toEqual([])
})

test('a circle of jumps ends', () => {
  const rules = ruleset(
    base('input', 'drop'),
    { chain: { ...table, name: 'a' } },
    rule('a', { jump: { target: 'a' } }),
    rule('input', { jump: { target: 'a' } })
  )
  expect(dropsOf(mdns, rules)).toEqual([{ ...dropped, by: 'policy', isCertain: false }])
})

test('rules of ufw and of firewalld are known as theirs', () => {
  expect(ruleset(base('input', 'drop'), rule('ufw-user-input', accept)).manager).toBe('ufw')
  expect(ruleset({ table: { family: 'inet', name: 'firewalld' } }).manager).toBe('firewalld')
  expect(ruleset(base('input', 'drop')).manager).toBe('nftables')
})

test('no ruleset, however broken, is an error', () => {
  const expr = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, 5353, 'eth0', '@x', accept, drop, iifname, dport('udp')),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom('match', 'vmap', 'left', 'right', 'op', 'key', 'data', 'set', 'jump', 'xt'),
        tie('node')
      )
    )
  })).node
  fc.assert(
    fc.property(fc.array(expr, { maxLength: 6 }), (statements) => {
      const text = JSON.stringify({
        nftables: [base('input', 'accept'), { rule: { ...table, chain: 'input', expr: statements } }]
      })
      expect(NftRuleset.read(text)).toBeDefined()
      const rules = NftRuleset.read(text)
      if (rules !== undefined) expect(dropsOf(mdns, rules).length).toBeLessThanOrEqual(1)
    })
  )
  expect(NftRuleset.read('nft: not found')).toBeUndefined()
})

test('chains that jump to each other many times are given up, and the answer is only likely', () => {
  const jump = { jump: { target: 'again' } }
  const jumps = Array.from({ length: 10 }, () => rule('again', jump))
  expect(dropsOf(connection, ruleset(base('input', 'drop'), rule('input', jump), ...jumps))).toEqual([
    { ...dropped, by: 'policy', isCertain: false }
  ])
})

test('a set that names itself, values nested without end and fields that are no text are passed over', () => {
  const itself = { set: { ...table, name: 'itself', elem: ['@itself'] } }
  const odd = { toString: 1, valueOf: 1 }
  let nested: unknown = 4001
  for (let depth = 0; depth < 1_000; depth++) nested = [nested]
  const rights = ['@itself', nested, { range: [odd, odd] }, { prefix: { addr: odd, len: odd } }, odd]
  for (const right of rights) {
    const rules = [
      rule('input', match(dport('tcp'), right), accept),
      rule('input', match(dport('tcp'), right, '<'), accept)
    ]
    const unnamed = { table: { family: odd, name: odd } }
    const drops = dropsOf(connection, ruleset(base('input', 'drop'), unnamed, itself, ...rules))
    expect(drops.map(({ by }) => by)).toEqual(['policy'])
  }
})
