// `npm run test:doctor`: doctor in networks that are broken in one way each, and in
// healthy ones. Prints a line for each; where its commands can mend the network they are
// run, and it must be content afterwards.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { whyNoInternet } from '../netns/internet.ts'
import { nodePath } from '../processes/parley-process.ts'
import { runOptions } from '../run-options.ts'
import { broken } from './broken.ts'
import { healthy } from './healthy.ts'
import { faultOf } from './judge.ts'

const root = join(import.meta.dirname, '..', '..')
const setUps = [...broken, ...healthy]

const usage = `npm run test:doctor -- [--only NAME,…]

  --only NAME    these set-ups alone, with commas between them:
                 ${setUps.map(({ name }) => name).join(', ')}
`

const { values } = runOptions(
  { options: { only: { type: 'string' }, help: { type: 'boolean', default: false } } },
  usage
)

// Ends by way of what cleans up at the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main()

async function main(): Promise<number> {
  const names = values.only?.split(',') ?? setUps.map(({ name }) => name)
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
  for (const setUp of setUps.filter(({ name }) => names.includes(name))) {
    const { fault, tookMs } = await faultOf(setUp)
    if (fault !== undefined) failed.push(setUp.name)
    const expected = setUp.cause ?? 'nothing broken'
    const took = `${(tookMs / 1_000).toFixed(1)} s`
    console.log(
      `${fault === undefined ? 'ok    ' : 'FAILED'} ${setUp.name.padEnd(26)} ${expected.padEnd(20)} ${took}${fault === undefined ? '' : `\n${fault}`}`
    )
  }
  console.log(failed.length === 0 ? `${names.length} set-ups` : `failed: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}
