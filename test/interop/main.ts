/**
 * Prepares the foreign peers, runs the cases, and reports. An optional argument chooses
 * the cases whose name contains it; `--rust` those of rust-libp2p, which are left out
 * otherwise. What could not run, and why, is said last.
 */
import { cases, rustCases, type Case } from './cases.ts'
import { prepareAll, type Preparation, type ToolchainName } from './prepare.ts'
import { seconds } from './progress.ts'

// Most of a case is processes that start and pieces that are sent apart: two at once take little more time than one.
const casesAtOnce = 2

/** Resolves to the exit code: 1 when a case or a preparation failed, 2 when no case is chosen. */
export async function main(args: readonly string[]): Promise<number> {
  const known = args.includes('--rust') ? rustCases : cases
  const [filter = ''] = args.filter((arg) => arg !== '--rust')
  const chosen = known.filter(({ name }) => name.includes(filter))
  if (chosen.length === 0) {
    console.error(`no case has "${filter}" in its name`)
    return 2
  }

  const startedMs = performance.now()
  const preparations = await prepareAll(new Set(known.flatMap(({ needs }) => needs)))
  console.log(`the foreign peers are prepared (${seconds(performance.now() - startedMs)})`)

  const ready = (need: ToolchainName): boolean => preparations.get(need)?.state === 'ready'

  let passed = 0
  let failed = 0
  let left = 0
  const waiting = chosen.values()
  const runner = async (): Promise<void> => {
    for (const wanted of waiting) {
      if (!wanted.needs.every(ready)) left += 1
      else if (await passes(wanted)) passed += 1
      else failed += 1
    }
  }
  await Promise.all(Array.from({ length: casesAtOnce }, runner))

  console.log(`${passed} passed, ${failed} failed, ${left} not run (${seconds(performance.now() - startedMs)})`)
  const reasons = [...preparations.values()].flatMap(reasonNotRun)
  for (const reason of reasons) console.log(reason)

  const broken = [...preparations.values()].some(({ state }) => state === 'failed')
  return failed > 0 || broken ? 1 : 0
}

async function passes({ name, run }: Case): Promise<boolean> {
  const startedMs = performance.now()
  try {
    await run()
    console.log(`ok   ${name} (${seconds(performance.now() - startedMs)})`)
    return true
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    console.log(`FAIL ${name} (${seconds(performance.now() - startedMs)})\n     ${message.replaceAll('\n', '\n     ')}`)
    return false
  }
}

function reasonNotRun(preparation: Preparation): string[] {
  return preparation.state === 'ready' ? [] : [`not run: ${preparation.peers}, ${preparation.reason}`]
}
