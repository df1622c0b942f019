import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** Prints whether the native library is in the memory of a process: after all of a chat is loaded, and after its use. */
const program = `
  import { readFileSync } from 'node:fs'
  const isMapped = () => readFileSync('/proc/self/maps', 'utf8').includes('udx-native')
  const { DirectPaths } = await import('./src/direct/index.ts')
  await import('./src/node/index.ts')
  new DirectPaths({})
  const before = isMapped()
  const { loadUdx } = await import('./src/direct/udx-library.ts')
  const isThere = loadUdx() !== undefined
  console.log(JSON.stringify([before, isThere, isMapped()]))
`

test.runIf(process.platform === 'linux')('udx-native is not loaded before a path is wanted', async () => {
  const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--input-type=module']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', program])
  expect(JSON.parse(stdout)).toEqual([false, true, true])
})
