// Whether doctor says of a set-up what it should, and whether what it says to do helps.
import type { SetUp } from './set-up.ts'
import { causesOf, type Examined, Stage } from './stage.ts'

export interface Judged {
  /** What is wrong with what it said, with all of it; undefined for nothing. */
  readonly fault: string | undefined
  readonly tookMs: number
}

export async function faultOf(setUp: SetUp): Promise<Judged> {
  const stage = new Stage()
  try {
    const { host, examine } = await setUp.make(stage)
    const first = await examine()
    const fault = whyWrong(setUp, first)
    if (fault !== undefined || setUp.mends !== true) return { fault, tookMs: first.tookMs }
    const commands = first.findings.filter(({ verdict }) => verdict === 'problem').flatMap((one) => one.commands)
    for (const command of commands) await stage.shell(host, command)
    const after = await examine()
    const still = causesOf(after)
    const said = `after ${commands.join('; ')}:\n${JSON.stringify(after.findings, undefined, 1)}`
    return { fault: still.length === 0 ? undefined : `not mended ${said}`, tookMs: first.tookMs }
  } catch (error) {
    return { fault: String(error instanceof Error ? error.stack : error), tookMs: 0 }
  } finally {
    await stage.end()
  }
}

function whyWrong({ cause, alongside = [], says }: SetUp, examined: Examined): string | undefined {
  const causes = causesOf(examined)
  const isNamed = cause === undefined ? causes.length === 0 : causes.includes(cause)
  const others = causes.filter((one) => one !== cause && !alongside.includes(one))
  const isCode = examined.code === (causes.length === 0 ? 0 : 17)
  const isSaid = says === undefined || examined.findings.some(({ text }) => says.test(text))
  if (isNamed && others.length === 0 && isCode && isSaid) return undefined
  return `named ${causes.join(', ') || 'nothing'}, exit code ${examined.code}:\n${JSON.stringify(examined.findings, undefined, 1)}`
}
