// `npm run test:doctor`: doctor in networks that are broken in one way each, and in
// healthy ones. Prints a line for each; where its commands can mend the network they are
// run, and it must be content afterwards.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { whyNoInternet } from '../netns/internet.ts'
import { nodePath } from '../processes/parley-process.ts'
import { runOptions } from '../run-options.ts'
import { broken } from './broken.ts'
import { healthy } from './healthy.ts'
import { faultOf } from './judge.ts'
import { EXAMINED_WITHIN_MS } from './stage.ts'

const root = join(import.meta.dirname, '..', '..')
const setUps = [...broken, ...healthy]

/** Five that are broken and three that are not, of other kinds than those that `npm test` runs. */
const sample = [
  'isolation',
  'vpn-route',
  'ufw',
  'only-443',
  'udp-firewall-out',
  'vpn',
  'directory',
  'behind-a-symmetric-router'
]

const usage = `npm run test:doctor -- [--sample] [--only NAME,…]

  --sample       five that are broken and three that are not; how long an answer takes is no fault
  --only NAME    these set-ups alone, with commas between them:
                 ${setUps.map(({ name }) => name).join(', ')}
`

const { values } = runOptions(
  {
    options: {
      only: { type: 'string' },
      sample: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  },
  usage
)

// Ends by way of what cleans up at the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main()

async function main(): Promise<number> {
  const names = values.only?.split(',') ?? (values.sample ? sample : setUps.map(({ name }) => name))
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const unknown = names.find((name) => !setUps.some((one) => one.name === name))
  if (unknown !== undefined) {
    console.error(`there is no set-up ${unknown}\n${usage}`)
    return 2
  }
  const why = await whyNoInternet()
  if (why !== undefined) {
    const isRequired = process.env['CI'] !== undefined
    console.log(`${why}: ${isRequired ? 'this test can NOT be run' : 'skipped'}`)
    return isRequired ? 1 : 0
  }
  await promisify(execFile)(nodePath, [join(root, 'scripts', 'build.js'), '--if-stale'])
  const failed: string[] = []
  let slowestMs = 0
  for (const setUp of setUps.filter(({ name }) => names.includes(name))) {
    if (setUp.needs !== undefined && !existsSync(setUp.needs)) {
      const isRequired = process.env['CI'] !== undefined
      console.log(`${isRequired ? 'FAILED' : 'skipped'} ${setUp.name}: there is no ${setUp.needs}`)
      if (isRequired) failed.push(setUp.name)
      continue
    }
    const { fault: said, tookMs } = await faultOf(setUp)
    const isLate = tookMs > EXAMINED_WITHIN_MS && !values.sample
    const fault = said ?? (isLate ? `it answered after more than ${EXAMINED_WITHIN_MS / 1_000} s` : undefined)
    if (fault !== undefined) failed.push(setUp.name)
    slowestMs = Math.max(slowestMs, tookMs)
    const expected = setUp.cause ?? 'nothing broken'
    console.log(
      `${fault === undefined ? 'ok    ' : 'FAILED'} ${setUp.name.padEnd(26)} ${expected.padEnd(20)} ${seconds(tookMs)}${fault === undefined ? '' : `\n${fault}`}`
    )
  }
  console.log(`${names.length} set-ups, the slowest answer after ${seconds(slowestMs)}`)
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
