// What a start loads before its first word: Node's costly modules, and the parts that bring them, take longer than all of
// the rest.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
/** Of storage, keys and the network. */
const costly = ['sqlite', 'crypto', 'zlib', 'http', 'https', 'http2', 'dns', 'tls']

test.each([[['--version']], [['--help']], [['send', '--help']]])('%j loads no storage and no keys', async (args) => {
  const hook = 'process.once("exit", () => console.error(JSON.stringify(process.moduleLoadList)))'
  const start = ['--import', `data:text/javascript,${hook}`, join(root, 'bin', 'parley.js'), ...args]
  const { stderr } = await promisify(execFile)(process.execPath, start)
  // The list that the hook has printed.
  const loaded = new Set(JSON.parse(stderr) as readonly string[])
  expect(costly.filter((name) => loaded.has(`NativeModule ${name}`))).toEqual([])
})
