// Generates the frame codecs from the .proto files, each into the pb/ folder
// beside it, on top of src/wire/protons-runtime.ts. Run by hand (`npm run proto`)
// when a .proto file changes; the check fails when a generated file is not what
// its .proto gives.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const verifyOnly = process.argv.includes('--verify')
const src = join(root, 'src')
let stale = 0
for (const entry of readdirSync(src, { recursive: true, withFileTypes: true })) {
  if (!entry.name.endsWith('.proto')) continue
  const file = join(entry.parentPath, entry.name)
  const out = mkdtempSync(join(tmpdir(), 'parley-proto-'))
  const bin = join(root, 'node_modules', 'protons', 'dist', 'bin', 'protons.js')
  const run = spawnSync(process.execPath, [bin, '--output', out, file], { stdio: 'inherit' })
  if (run.status !== 0) process.exit(1)
  const name = basename(file, '.proto') + '.ts'
  const header =
    `// Generated from ${entry.name} by \`npm run proto\`: change that, not this.\n` +
    '// @ts-nocheck (what protons writes does not hold under exactOptionalPropertyTypes)\n'
  const runtime = relative(join(entry.parentPath, 'pb'), join(src, 'wire', 'protons-runtime.ts'))
  const written = readFileSync(join(out, name), 'utf8')
  const generated = header + written.replaceAll("from 'protons-runtime'", `from '${runtime}'`)
  rmSync(out, { recursive: true })
  const target = join(entry.parentPath, 'pb', name)
  if (!verifyOnly) writeFileSync(target, generated)
  else if (readFileSync(target, 'utf8') !== generated) {
    process.stderr.write(`${target} is not what ${entry.name} gives: run \`npm run proto\`\n`)
    stale++
  }
}
process.exit(stale === 0 ? 0 : 1)
