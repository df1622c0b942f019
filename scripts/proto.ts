// Generates the frame codecs from the .proto files, each into the pb/ folder
// beside it, on top of src/wire/protons-runtime.ts. Nothing generated is under
// version control: the build, vitest and every npm script that reads src/
// generate what is missing or stale first, which takes no time when nothing is.
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const self = fileURLToPath(import.meta.url)
const root = dirname(dirname(self))

/**
 * @param folder the root of a clone
 * @returns the files that were written
 */
export async function generateFrames(folder = root): Promise<string[]> {
  const src = join(folder, 'src')
  const written = await Promise.all(
    globSync('**/*.proto', { cwd: src }).map(async (file) => await generateFrom(join(src, file), src))
  )
  return written.flat()
}

async function generateFrom(proto: string, src: string): Promise<string[]> {
  const folder = join(dirname(proto), 'pb')
  const name = basename(proto, '.proto') + '.ts'
  const target = join(folder, name)
  const header =
    `// Generated from ${basename(proto)} by scripts/proto.ts (${stampOf(proto)}): change that, not this.\n` +
    '// @ts-nocheck (what protons writes does not hold under exactOptionalPropertyTypes)\n'
  if (textOf(target).startsWith(header)) return []
  // Loaded here and not above: it takes as long to load as all the rest.
  const { generate } = await import('protons')
  await mkdir(folder, { recursive: true })
  // Two processes may generate the same at once: each writes a file of its own and puts it into place whole.
  const own = await mkdtemp(join(folder, '.next-'))
  try {
    await generate(proto, { output: own })
    const runtime = relative(folder, join(src, 'wire', 'protons-runtime.ts'))
    const generated = readFileSync(join(own, name), 'utf8').replaceAll("from 'protons-runtime'", `from '${runtime}'`)
    await writeFile(join(own, name), header + generated)
    await rename(join(own, name), target)
  } finally {
    await rm(own, { recursive: true, force: true })
  }
  return [target]
}

/** Of all that a generated file is made from. */
function stampOf(proto: string): string {
  const protons = textOf(join(root, 'node_modules', 'protons', 'package.json'))
  const parts = [readFileSync(proto), protons, readFileSync(self)]
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex').slice(0, 16)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // it is not there yet
  }
}

if (process.argv[1] === self) await generateFrames()
