/**
 * Brings what the benches measure Parley beside: the packages of
 * bench/comparators from npm; ngircd, Twisted and toxcore from Debian where
 * that may be done. What is missing is reported with its reason, and its goals
 * count as not met.
 */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const folder = join(import.meta.dirname, 'comparators')
/** A registry that is not answered is no reason to miss the other rows. */
const installTimeoutMs = 120_000

export type Comparator = { readonly isThere: true; readonly version: string } | Missing
interface Missing {
  readonly isThere: false
  readonly why: string
}

/** hyperdht, installed from the lock file unless that has been done. */
export async function hyperdht(): Promise<Comparator> {
  const stampFile = join(folder, 'node_modules', '.installed-from')
  const stamp = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex')
  try {
    if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
      process.stderr.write('installing hyperdht …\n')
      // Its native parts come built.
      await execute('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
        cwd: folder,
        timeout: installTimeoutMs,
        env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }
      })
      writeFileSync(stampFile, stamp)
    }
    // A package.json has it.
    const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', 'hyperdht', 'package.json'), 'utf8')) as {
      version: string
    }
    return { isThere: true, version: `hyperdht ${version}` }
  } catch (error) {
    return { isThere: false, why: `hyperdht could not be installed: ${lastLine(error)}` }
  }
}

/** Debian's, which stands beside whatever other Python there is. */
export const python = '/usr/bin/python3'

/** @param mayInstall false: only if it is there */
export async function twisted(mayInstall: boolean): Promise<Comparator> {
  return fromDebian('python3-twisted', mayInstall, async () => {
    const { stdout } = await execute(python, [
      '-c',
      'import twisted, sys; print(twisted.__version__, sys.version.split()[0])'
    ])
    const [version, of] = stdout.trim().split(' ')
    return `Twisted ${version} on Python ${of}`
  })
}

/** Not on every PATH. */
export const ngircdCommand = '/usr/sbin/ngircd'

/** @param mayInstall false: only if it is there */
export async function ngircd(mayInstall: boolean): Promise<Comparator> {
  return fromDebian('ngircd', mayInstall, async () => {
    const { stdout } = await execute(ngircdCommand, ['--version'])
    return (stdout.split('\n')[0] ?? '').replace(/-.*$/u, '')
  })
}

/** Opened by bench/comparators/tox-messages.py. @param mayInstall false: only if it is there */
export async function toxcore(mayInstall: boolean): Promise<Comparator> {
  return fromDebian('libtoxcore2', mayInstall, async () => {
    const { stdout } = await execute(python, [
      '-c',
      'import ctypes; tox = ctypes.CDLL("libtoxcore.so.2"); ' +
        'print(tox.tox_version_major(), tox.tox_version_minor(), tox.tox_version_patch(), sep=".")'
    ])
    return `toxcore ${stdout.trim()}`
  })
}

async function fromDebian(name: string, mayInstall: boolean, version: () => Promise<string>): Promise<Comparator> {
  const there = await version().catch(() => undefined)
  if (there !== undefined) return { isThere: true, version: there }
  if (!mayInstall) return { isThere: false, why: `${name} is not installed` }
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    return { isThere: false, why: `${name} is not installed, and only root on Debian may do that: apt install ${name}` }
  }
  try {
    process.stderr.write(`installing ${name} …\n`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
    const options = { timeout: installTimeoutMs, env }
    await execute('apt-get', ['install', '-y', '-qq', name], options).catch(async () => {
      await execute('apt-get', ['update', '-qq'], options)
      await execute('apt-get', ['install', '-y', '-qq', name], options)
    })
    return { isThere: true, version: await version() }
  } catch (error) {
    return { isThere: false, why: `${name} could not be installed: ${lastLine(error)}` }
  }
}

function lastLine(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
  return said.split('\n').at(-1) || (error instanceof Error ? error.message : String(error))
}
