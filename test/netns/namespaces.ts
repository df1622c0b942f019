// Network namespaces of one test: they are made under a name that tells whose they
// are, and removing them removes everything that is in them. It knows nothing of what
// is connected with what.
import { execFile, execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The process that made a namespace is part of its name: what a killed test has left can be told and removed. */
const prefix = 'plt'

/** What lies here under the name of a namespace stands there in place of the files of /etc (ip-netns(8)). */
const etc = '/etc/netns'

export class Namespaces {
  readonly #names: string[] = []
  readonly #family = `${prefix}-${process.pid}-${randomBytes(3).toString('hex')}`
  readonly #onExit = (): void => this.#removeNow()

  private constructor() {
    process.on('exit', this.#onExit)
  }

  /** None yet. Those of tests that were killed are removed. */
  static async begin(): Promise<Namespaces> {
    await removeLeftovers()
    return new Namespaces()
  }

  /** @returns the name of the new namespace, in which loopback is up */
  async add(suffix: string): Promise<string> {
    const name = this.nameOf(suffix)
    await ip('netns', 'add', name)
    this.#names.push(name)
    await ip('-n', name, 'link', 'set', 'lo', 'up')
    return name
  }

  /** From now on the name is looked up to this address in all of them, by commands that begin after this. */
  async giveHost(name: string, address: string): Promise<void> {
    for (const namespace of this.#names) {
      await mkdir(join(etc, namespace), { recursive: true })
      await writeFile(join(etc, namespace, 'hosts'), `127.0.0.1 localhost\n${address} ${name}\n`)
    }
  }

  nameOf(suffix: string): string {
    return `${this.#family}-${suffix}`
  }

  /** What still runs in one goes on, alone. */
  async remove(): Promise<void> {
    process.off('exit', this.#onExit)
    for (const name of this.#names.splice(0)) {
      await ip('netns', 'del', name).catch(() => undefined)
      await rm(join(etc, name), { recursive: true, force: true })
    }
  }

  /** When the process ends without having called remove(), there is no time for promises. */
  #removeNow(): void {
    for (const name of this.#names.splice(0)) {
      try {
        rmSync(join(etc, name), { recursive: true, force: true })
        execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' })
      } catch {
        // Nobody is left to hear of it; the next test removes it.
      }
    }
  }
}

/** Goes before a command that is to run in the namespace. It runs under the process ID that spawn() tells. */
export function inNamespace(name: string): readonly string[] {
  return ['ip', 'netns', 'exec', name]
}

export async function ip(...args: readonly string[]): Promise<void> {
  await run('ip', args)
}

/** What a command has printed on standard error, or what else is known of why it failed. */
export function whyFailed(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
  return said === '' ? String(error) : said
}

/** Namespaces of tests whose process was killed. */
async function removeLeftovers(): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list'])
  for (const [name, pid] of stdout.matchAll(new RegExp(`^${prefix}-(\\d+)-\\S+`, 'gm'))) {
    if (!isAlive(Number(pid))) await ip('netns', 'del', name).catch(() => undefined)
  }
  for (const name of await readdir(etc).catch(() => [])) {
    const pid = new RegExp(`^${prefix}-(\\d+)-`, 'u').exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(etc, name), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
