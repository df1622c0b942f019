// Everything that must hold before a change lands, in the order of how fast it
// answers: format, lint with the dependency arrows, generated pages, types, unused
// code, unit tests. All parts run, so that one look shows everything; with
// `--no-tests` all but the tests, for a run that has them elsewhere.
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = (name) => `${root}/node_modules/.bin/${name}`
const parts = [
  ['frames from the .proto files', process.execPath, ['scripts/proto.ts']],
  ['format', bin('oxfmt'), ['--check', '.']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'scripts', 'bin']],
  ['arrows', process.execPath, ['scripts/arrows.js']],
  ['generated reference', process.execPath, ['scripts/reference.ts', '--verify']],
  ['generated table', process.execPath, ['scripts/confusables.js', '--verify']],
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ['types of the page', bin('tsc'), ['-p', 'src/web/tsconfig.json']],
  ['unused code', bin('knip'), []],
  ...(process.argv.includes('--no-tests') ? [] : [['unit tests', bin('vitest'), ['run', '--project', 'unit']]])
]

let failed = 0
for (const [name, command, args] of parts) {
  const startedMs = Date.now()
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1)
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`)
  if (status !== 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
