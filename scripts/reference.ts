// Writes docs/reference from the code: `npm run reference`. With --verify it
// changes nothing and fails when a page is not what it would write.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chatCommandsPage } from './reference-pages/chat-commands.ts'
import { commandsPage } from './reference-pages/commands.ts'
import { exitCodesPage } from './reference-pages/exit-codes.ts'
import { filesPage } from './reference-pages/files.ts'
import { jsonPage } from './reference-pages/json.ts'
import { limitsPage } from './reference-pages/limits.ts'
import { metricsPage } from './reference-pages/metrics.ts'
import { settingsPage } from './reference-pages/settings.ts'

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs/reference')
const pages = {
  'chat-commands.md': chatCommandsPage(),
  'commands.md': await commandsPage(),
  'exit-codes.md': exitCodesPage(),
  'files.md': filesPage(),
  'json.md': jsonPage(),
  'limits.md': limitsPage(),
  'metrics.md': await metricsPage(),
  'settings.md': await settingsPage()
}

let stale = 0
mkdirSync(folder, { recursive: true })
for (const [name, text] of Object.entries(pages)) {
  const file = join(folder, name)
  if (process.argv.includes('--verify')) {
    if (current(file) === text) continue
    process.stderr.write(`docs/reference/${name} is not what the code says: run npm run reference\n`)
    stale++
  } else {
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
