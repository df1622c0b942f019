/** The patches of packages: each still applies, is still needed, and does what it is for. */
import { build, type Plugin } from 'esbuild'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as unpatched from '@libp2p/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventualMs } from '../../patience.ts'

interface Patch {
  readonly file: string
  readonly replace: string
}

// The scripts are plain JavaScript.
const { applied, patchedPackages, patches } = (await import(
  new URL('../../../scripts/patched-packages.js', import.meta.url).href
)) as {
  readonly applied: (patch: Patch, text: string) => string
  readonly patchedPackages: () => Plugin
  readonly patches: readonly Patch[]
}
const root = fileURLToPath(new URL('../../../', import.meta.url))
const endless = new Uint8Array(64).fill(0x80)

let folder: string
let patched: typeof unpatched

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-patched-'))
  const outfile = join(folder, 'utils.mjs')
  await build({
    stdin: { contents: "export * from '@libp2p/utils'", resolveDir: root },
    plugins: [patchedPackages()],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
    logLevel: 'silent'
  })
  patched = (await import(pathToFileURL(outfile).href)) as typeof unpatched
})

afterAll(async () => rm(folder, { recursive: true, force: true }))

/** What a reader with this limit makes of a length prefix that never ends. */
async function outcomeOf(
  { lpStream, multiaddrConnectionPair }: typeof unpatched,
  options: { readonly maxDataLength?: number },
  patienceMs = eventualMs
): Promise<string> {
  const [remote, local] = multiaddrConnectionPair()
  const read = lpStream(local, options).read({ signal: AbortSignal.timeout(patienceMs) })
  remote.send(endless)
  const outcome = await read.then(
    () => 'read',
    (error: unknown) => (error instanceof Error ? error.name : String(error))
  )
  local.abort(new Error('the test is over'))
  return outcome
}

describe('the patches of packages', () => {
  test('apply to the packages that are installed', async () => {
    for (const patch of patches) {
      const text = await readFile(join(root, 'node_modules', patch.file), 'utf8')
      expect(applied(patch, text)).toContain(patch.replace)
    }
  })

  test('end a build of a package in which their text is not found', () => {
    const [patch] = patches
    if (patch === undefined) throw new Error('there is no patch')
    expect(() => applied(patch, 'export const lpStream = 1')).toThrow(patch.file)
  })

  test('@libp2p/utils as it is reads an endless length prefix for ever: once it does not, the patch can go', async () => {
    await expect(outcomeOf(unpatched, { maxDataLength: 1024 }, 200)).resolves.toBe('TimeoutError')
  })

  test('the patched one ends with it after the bytes that the longest length needs, or eight', async () => {
    await expect(outcomeOf(patched, { maxDataLength: 1024 })).resolves.toBe('InvalidDataLengthLengthError')
    await expect(outcomeOf(patched, {})).resolves.toBe('InvalidDataLengthLengthError')
  })

  test('the patched one reads what is allowed, also a length that comes byte by byte', async () => {
    const [remote, local] = patched.multiaddrConnectionPair()
    const frames = patched.lpStream(local, { maxDataLength: 1024 })
    const reading = frames.read({ signal: AbortSignal.timeout(eventualMs) })
    remote.send(Uint8Array.of(0x80))
    remote.send(Uint8Array.of(0x08))
    remote.send(new Uint8Array(1024).fill(7))
    expect((await reading).byteLength).toBe(1024)
    local.abort(new Error('the test is over'))
  })
})
