/**
 * Brings the foreign peers to life: builds those of Go and Rust, makes Python's virtual
 * environment, installs the original JavaScript packages. What is prepared stays in
 * git-ignored folders, and is made again only when what it was made from has changed.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { withProgress } from './progress.ts'

const execute = promisify(execFile)
const here = import.meta.dirname

// A cold Go build on two slow cores takes a minute or two; a dead registry takes for ever.
const stepTimeoutMs = 10 * 60_000

// rust-libp2p is 173 crates: three quarters of an hour on two cores that do other work.
const rustTimeoutMs = 90 * 60_000

export type ToolchainName = 'go' | 'python' | 'js-original' | 'js-2' | 'rust'

export type Preparation =
  | { readonly state: 'ready' }
  /** The machine lacks something: `reason` says what. */
  | { readonly state: 'absent'; readonly peers: string; readonly reason: string }
  /** What is there did not do its work. */
  | { readonly state: 'failed'; readonly peers: string; readonly reason: string }

interface Toolchain {
  readonly peers: string
  readonly title: string
  /** The files that the prepared folder is made from. */
  readonly sources: readonly string[]
  readonly folder: string
  /** Resolves to the version of the tools, or to what is missing. */
  readonly probe: () => Promise<{ version: string } | { missing: string }>
  readonly make: () => Promise<void>
}

const toolchains: Readonly<Record<ToolchainName, Toolchain>> = {
  go: {
    peers: 'go-libp2p peers',
    title: 'building the go-libp2p peer (the first time, this downloads its modules)',
    sources: ['go/go.mod', 'go/go.sum', 'go/main.go', 'go/conversation.go', 'go/relay.go'],
    folder: 'go/bin',
    probe: async () => {
      const version = await outputOf('go', ['version'])
      return version === undefined ? { missing: 'go is not installed' } : { version }
    },
    // Without the repository's state in it, the binary depends on its sources alone.
    make: () => step('go', ['build', '-trimpath', '-buildvcs=false', '-o', 'bin/chat-peer', '.'], 'go')
  },
  python: {
    peers: 'py-libp2p peers',
    title: 'installing py-libp2p',
    sources: ['py/requirements.txt'],
    folder: 'py/.venv',
    probe: async () => {
      const version = await outputOf('python3', ['--version'])
      if (version === undefined) return { missing: 'python3 with pip is not installed' }
      // Debian splits these off: without them `python3 -m venv` makes no pip.
      const complete = await outputOf('python3', ['-c', 'import venv, ensurepip'])
      return complete === undefined
        ? { missing: `${version} has no venv with pip (on Debian: python3-venv)` }
        : { version }
    },
    make: async () => {
      await step('python3', ['-m', 'venv', '.venv'], 'py')
      // requirements.txt says why no dependencies are looked up.
      const options = ['--quiet', '--disable-pip-version-check', '--no-deps']
      await step('.venv/bin/python', ['-m', 'pip', 'install', ...options, '-r', 'requirements.txt'], 'py')
    }
  },
  rust: {
    peers: 'rust-libp2p relays',
    title: 'building the rust-libp2p relay (the first time, this takes long)',
    sources: ['rust/Cargo.toml', 'rust/src/main.rs'],
    folder: 'rust/bin',
    probe: async () => {
      const version = await outputOf('cargo', ['--version'])
      return version === undefined ? { missing: 'cargo is not installed' } : { version }
    },
    make: () => step('cargo', ['build', '--release', '--target-dir', 'bin'], 'rust', rustTimeoutMs)
  },
  'js-original': npmPackages('js-original', 'js-libp2p peers on the original packages'),
  'js-2': npmPackages('js-2', 'js-libp2p 2.x peers')
}

function npmPackages(folder: string, peers: string): Toolchain {
  return {
    peers,
    title: `installing the packages of the ${peers}`,
    sources: [`${folder}/package.json`, `${folder}/package-lock.json`],
    folder: `${folder}/node_modules`,
    probe: async () => {
      const version = await outputOf('npm', ['--version'])
      return version === undefined ? { missing: 'npm is not installed' } : { version }
    },
    make: () => step('npm', ['ci', '--ignore-scripts'], folder)
  }
}

/** Prepares these, one after another: two at once are no faster on two cores. */
export async function prepareAll(names: Iterable<ToolchainName>): Promise<ReadonlyMap<ToolchainName, Preparation>> {
  const prepared = new Map<ToolchainName, Preparation>()
  for (const name of names) prepared.set(name, await prepare(toolchains[name]))
  return prepared
}

async function prepare(toolchain: Toolchain): Promise<Preparation> {
  const { peers } = toolchain
  const probed = await toolchain.probe()
  if ('missing' in probed) return { state: 'absent', peers, reason: probed.missing }

  const folder = join(here, toolchain.folder)
  const stampFile = join(folder, '.prepared-from')
  const stamp = await fingerprint(toolchain.sources, probed.version)
  if ((await readFile(stampFile, 'utf8').catch(() => undefined)) === stamp) return { state: 'ready' }

  try {
    await withProgress(toolchain.title, async () => {
      await rm(folder, { recursive: true, force: true })
      await toolchain.make()
      await mkdir(folder, { recursive: true })
      await writeFile(stampFile, stamp)
    })
    return { state: 'ready' }
  } catch (error) {
    return { state: 'failed', peers, reason: error instanceof Error ? error.message : String(error) }
  }
}

async function fingerprint(sources: readonly string[], version: string): Promise<string> {
  const hash = createHash('sha256').update(version)
  for (const source of sources) hash.update(await readFile(join(here, source)))
  return hash.digest('hex')
}

/** What a command prints, or undefined when there is no such command or it fails. */
async function outputOf(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await execute(command, args, { env: environment() })
    return stdout.trim()
  } catch {
    return undefined
  }
}

async function step(
  command: string,
  args: readonly string[],
  folder: string,
  timeoutMs: number = stepTimeoutMs
): Promise<void> {
  try {
    await execute(command, args, {
      cwd: join(here, folder),
      env: environment(),
      timeout: timeoutMs,
      // Room for all that a failing build has to say.
      maxBuffer: 16 * 1024 * 1024
    })
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    const last = said.split('\n').slice(-5).join('\n')
    throw new Error(`\`${command} ${args.join(' ')}\` failed: ${last || String(error)}`, { cause: error })
  }
}

/** This Node first on PATH: npm, too, runs on it. */
function environment(): NodeJS.ProcessEnv {
  const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter)
  return { ...process.env, PATH: path }
}
