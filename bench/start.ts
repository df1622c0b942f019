/**
 * Goal 11: from the start of the process to the first prompt of the plain face
 * on a terminal, beside a Node that does nothing but import the same packages
 * (those that the sources of the chat import, found by following them). Beside
 * that the first draw of the full screen, `--version`, and a Node that does
 * nothing. Every start is of a new process with a warm disk cache.
 *
 * Run: npm run bench -- start [--rounds 9] [--json FILE] [--smoke]
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { builtParley, root } from './built.ts'
import { onTerminal, terminalEnvironment } from './on-terminal.ts'
import { ratio, Report, reportOptions } from './report.ts'

const { values } = parseArgs({ options: { ...reportOptions, rounds: { type: 'string', default: '9' } } })
const rounds = values.smoke ? 1 : Number(values.rounds)
/** An import of more than types, or the same as an export. */
const importPattern = /^(?:import|export)\s(?!type\b)[^'"]*?from\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gmu

await builtParley()
const home = mkdtempSync(join(tmpdir(), 'parley-start-'))
const packages = packagesOf(['cli/main.ts', 'cli/commands/chat.ts', 'cli/plain/index.ts', 'node/index.ts'])
const bare = join(root, 'bench', `.bare-import-${process.pid}.mjs`)
writeFileSync(bare, packages.map((name) => `import ${JSON.stringify(name)}\n`).join(''))
const parley = [join(root, 'bin', 'parley.js')]
const report = new Report()
report.note(`${rounds} rounds in turns; ${packages.length} packages are imported: ${packages.join(', ')}`)
const ways = [
  { name: 'first prompt of the plain face', run: async () => untilShown([...parley, '--plain'], /Peer \(/u) },
  { name: 'bare import of the same packages', run: async () => toExit([bare]) },
  {
    name: 'first prompt without what V8 had compiled before',
    run: async () => untilShown([...parley, '--plain'], /Peer \(/u, { NODE_DISABLE_COMPILE_CACHE: '1' })
  },
  { name: 'first draw of the full screen', run: async () => untilShown(parley, /You are|\[\?1049h/u) },
  { name: 'parley --version', run: async () => toExit([...parley, '--version']) },
  { name: 'parley --help', run: async () => toExit([...parley, '--help']) },
  { name: 'Node alone', run: async () => toExit(['-e', '']) }
].map((way) => ({ ...way, ms: [] as number[] }))
try {
  // The first start makes the profile and whatever is cached.
  for (const way of ways) await way.run()
  for (let round = 0; round < rounds; round++) for (const way of ways) way.ms.push(await way.run())
  const [prompt, imported] = ways.map(({ name, ms }) => report.figure(name, 'ms', ms))
  report.goal('firstPrompt', ratio(prompt, imported))
  report.finish()
} finally {
  rmSync(bare)
  rmSync(home, { recursive: true, force: true })
}

async function toExit(args: readonly string[]): Promise<number> {
  const startedAtMs = performance.now()
  const child = spawn(process.execPath, args, { env: environment(), stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  return performance.now() - startedAtMs
}

async function untilShown(args: readonly string[], sign: RegExp, variables: NodeJS.ProcessEnv = {}): Promise<number> {
  const shown = await onTerminal(args, { sign, env: { ...environment(), ...variables } })
  await shown.end()
  return shown.ms
}

function environment(): NodeJS.ProcessEnv {
  return terminalEnvironment(home, `bench-${process.pid}`)
}

/** The packages that these sources import, and the sources that they import in turn. */
function packagesOf(entries: readonly string[]): string[] {
  const waiting = entries.map((entry) => join(root, 'src', entry))
  const seen = new Set<string>()
  const found = new Set<string>()
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file) || !existsSync(file)) continue
    seen.add(file)
    for (const [, from, alone] of readFileSync(file, 'utf8').matchAll(importPattern)) {
      const name = from ?? alone ?? ''
      if (name.startsWith('.')) waiting.push(join(dirname(file), name))
      else if (!name.startsWith('node:') && !builtinModules.includes(name)) found.add(name)
    }
  }
  return [...found].toSorted()
}
