// The routers of the test Internet do to UDP what their kind says: how they map a socket
// to a public port, and whom they let in. What peers make of it is tested elsewhere. In
// network namespaces; where there can be none, it says so.
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { HostProgram } from '../netns/host-program.ts'
import { Internet, whyNoInternet } from '../netns/internet.ts'
import type { RouterKind } from '../netns/routers.ts'

const whyNot = await whyNoInternet()

interface Behaviour {
  /** The public port is the same towards two ports of one host; undefined where nothing gets out. */
  readonly isIndependent: boolean | undefined
  /** Who gets in: the port that was written to, another one of that host, a host that was not written to. */
  readonly letsIn: readonly string[]
}

const nothing: Behaviour = { isIndependent: undefined, letsIn: [] }
const answer = ['answer']
const expected: readonly (readonly [RouterKind, 4 | 6, Behaviour])[] = [
  ['plain', 4, { isIndependent: true, letsIn: answer }],
  ['adf', 4, { isIndependent: true, letsIn: ['answer', 'other-port'] }],
  ['full-cone', 4, { isIndependent: true, letsIn: ['answer', 'other-port', 'stranger'] }],
  ['symmetric', 4, { isIndependent: false, letsIn: answer }],
  ['tcp-443', 4, nothing],
  ['udp-blocked', 4, nothing],
  ['ipv6', 4, { isIndependent: false, letsIn: answer }],
  ['ipv6', 6, { isIndependent: true, letsIn: answer }]
]

const [home, first, second, unwritten] = ['4001', '7001', '7002', '7003']

let internet: Internet | undefined
const programs: HostProgram[] = []

afterEach(async () => {
  for (const program of programs.splice(0)) program.stop()
  await internet?.remove()
  internet = undefined
})

test('each kind of router maps UDP and lets it in as its name says', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const kinds = [...new Set(expected.map(([kind]) => kind))]
  internet = await Internet.create([{ kind: 'public' }, { kind: 'public' }, ...kinds.map((kind) => ({ kind }))])
  const [met, stranger] = [internet.host(0), internet.host(1)]
  const [atMet, atStranger] = [start(met.wrapper, first, second, unwritten), start(stranger.wrapper, first)]
  const homes = new Map(kinds.map((kind, at) => [kind, start(internet?.host(at + 2).wrapper ?? [], home)]))
  await eventually(() => {
    for (const program of programs) expect(program.count('bound')).toBe(1)
  })

  for (const [kind, family, behaviour] of expected) {
    const inside = homes.get(kind)
    const metAt = family === 4 ? met.address : met.ipv6
    if (inside === undefined || metAt === undefined) throw new Error('each kind has a home')
    const out = `${kind}-${family}`
    await sent(inside, `${home} ${metAt} ${first} ${out}-1`)
    await sent(inside, `${home} ${metAt} ${second} ${out}-2`)
    // What comes after it has come, so has what went out before.
    await sent(atStranger, `${first} ${met.address} ${first} after-${out}`)
    await eventually(() => expect(atMet.output).toContain(`got after-${out} `))
    const mapped = [`${out}-1`, `${out}-2`].map((text) => placeOf(atMet, text))
    const [place] = mapped
    if (place !== undefined) {
      await sent(atMet, `${first} ${place} answer`)
      await sent(atMet, `${unwritten} ${place} other-port`)
      await sent(atStranger, `${first} ${place} stranger`)
      await sent(atMet, `${first} ${place} end-${family}`)
      await eventually(() => expect(inside.output).toContain(`got end-${family} `))
    }
    const since = inside.output.slice(inside.output.lastIndexOf(`sent ${out}-2`))
    const letsIn = ['answer', 'other-port', 'stranger'].filter((text) => since.includes(`got ${text} `))
    const isIndependent = place === undefined ? undefined : place === mapped[1]
    expect({ kind, family, isIndependent, letsIn }).toEqual({ kind, family, ...behaviour })
  }
})

function start(wrapper: readonly string[], ...ports: readonly string[]): HostProgram {
  const program = new HostProgram({ wrapper }, 'udp-host.ts', ports)
  programs.push(program)
  return program
}

async function sent(from: HostProgram, line: string): Promise<void> {
  const text = line.split(' ').at(-1) ?? ''
  const before = from.count(`sent ${text}`)
  from.tell(line)
  await eventually(() => expect(from.count(`sent ${text}`)).toBe(before + 1))
}

/** `HOST PORT` from which the text came. */
function placeOf(program: HostProgram, text: string): string | undefined {
  return new RegExp(`^got ${text} at \\d+ from (\\S+ \\d+)$`, 'mu').exec(program.output)?.[1]
}
