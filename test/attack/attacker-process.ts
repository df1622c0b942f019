// The process of one attacker, which the measurement starts at the lowest
// priority: `node attacker-process.ts NAME TARGET SOURCE SECONDS`, where TARGET is
// JSON. At its end it prints what it has sent and under which names.
import { attacks } from './attacks/index.ts'
import type { AttackContext, Target } from './attack.ts'

export interface AttackerReport {
  readonly sentBytes: number
  readonly identities: readonly string[]
  /** Why it ended before its time, if it did. */
  readonly failure?: string
}

const [name, target = '', source = '', seconds = ''] = process.argv.slice(2)
const attack = attacks.find((one) => one.name === name)
if (attack === undefined) throw new Error(`there is no attack ${name}`)

const identities = new Set<string>()
let sentBytes = 0
let failure: string | undefined
const time = new AbortController()
const { signal } = time
const context: AttackContext = {
  // Written by attackers.ts.
  target: JSON.parse(target) as Target,
  signal,
  source,
  sent: (bytes) => (sentBytes += bytes),
  identity: (peer) => identities.add(peer)
}
// What the victim cuts fails in many places of the attacker's libraries, and is no matter.
process.on('uncaughtException', (error) => (failure ??= String(error)))
process.on('unhandledRejection', () => undefined)
await attack.prepare?.(context)
setTimeout(() => time.abort(), Number(seconds) * 1_000)
process.send?.('begins')
try {
  await attack.run(context)
} catch (error) {
  if (!signal.aborted) failure = error instanceof Error ? (error.stack ?? error.message) : String(error)
}
const report: AttackerReport = {
  sentBytes,
  identities: [...identities],
  ...(failure === undefined ? {} : { failure })
}
process.stdout.write(JSON.stringify(report), () => process.exit())
