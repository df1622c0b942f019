// Writes docs/reference from the code, and the index of docs/decisions from their
// headings: `npm run reference`. With --verify it changes nothing and fails when a
// page is not what it would write.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chatCommandsPage } from './reference-pages/chat-commands.ts'
import { commandsPage } from './reference-pages/commands.ts'
import { decisionsPage } from './reference-pages/decisions.ts'
import { exitCodesPage } from './reference-pages/exit-codes.ts'
import { filesPage } from './reference-pages/files.ts'
import { jsonPage } from './reference-pages/json.ts'
import { limitsPage } from './reference-pages/limits.ts'
import { metricsPage } from './reference-pages/metrics.ts'
import { settingsPage } from './reference-pages/settings.ts'

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs')
const pages = {
  'decisions/README.md': decisionsPage(),
  'reference/chat-commands.md': chatCommandsPage(),
  'reference/commands.md': await commandsPage(),
  'reference/exit-codes.md': exitCodesPage(),
  'reference/files.md': filesPage(),
  'reference/json.md': jsonPage(),
  'reference/limits.md': limitsPage(),
  'reference/metrics.md': await metricsPage(),
  'reference/settings.md': await settingsPage()
}

let stale = 0
for (const [name, text] of Object.entries(pages)) {
  const file = join(folder, name)
  if (process.argv.includes('--verify')) {
    if (current(file) === text) continue
    process.stderr.write(`docs/${name} is out of date: run npm run reference\n`)
    stale++
  } else {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
process.exit(stale === 0 ? 0 : 1)

function current(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
