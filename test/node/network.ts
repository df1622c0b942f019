// A small network in this process for tests: real peers and directories on
// loopback, without mDNS, each with its own folders, all stopped at the end.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ChatNode, loadConfig, type SettingName } from '../../src/node/index.ts'
import { DirectoryNode } from '../../src/node/server/index.ts'
import { foldersOf, profileIn } from '../processes/homes.ts'
import { freePort } from '../processes/ports.ts'

type Flags = Partial<Record<SettingName, string | readonly string[] | boolean | undefined>>

export class Network implements AsyncDisposable {
  readonly name = `test-${Math.random().toString(36).slice(2, 12)}`
  readonly #folder: string
  readonly #nodes = new Set<{ stop(): Promise<void> }>()
  /** Of the peers that have a profile. */
  readonly #names = new Set<string>()

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async create(): Promise<Network> {
    return new Network(await mkdtemp(join(tmpdir(), 'parley-net-')))
  }

  /** A started peer whose profile is kept for as long as the network, so that it can come back. */
  async peer(
    name: string,
    flags: Flags = {},
    options: { observe?: boolean; /** Directories that it has used before. */ remembered?: readonly string[] } = {}
  ): Promise<ChatNode> {
    const config = await this.#config(name, { name, defaultDirectories: false, ...flags })
    const { remembered } = options
    if (remembered !== undefined || !this.#names.has(name)) await this.#remember(name, remembered ?? [])
    this.#names.add(name)
    const node = await ChatNode.create({ config, interactive: false, ...options })
    this.#nodes.add(node)
    await node.start()
    return node
  }

  /** @param port that of one that was stopped, which no other program has got meanwhile; 0: any */
  async directory(port = 0, flags: Flags = {}): Promise<DirectoryNode> {
    const config = await this.#config('directory', flags)
    const node = await DirectoryNode.create({ config, port: port === 0 ? await freePort() : port })
    this.#nodes.add(node)
    await node.start()
    return node
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#nodes].map(async (node) => node.stop()))
    await rm(this.#folder, { recursive: true })
  }

  /** Also the port of an earlier life: no other program gets it while the peer is away. */
  async #remember(name: string, directories: readonly string[]): Promise<void> {
    const folder = profileIn(join(this.#folder, name))
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, 'book.json'), JSON.stringify({ port: await freePort(), directories }))
  }

  async #config(name: string, flags: Flags) {
    const folder = join(this.#folder, name)
    const env = foldersOf(folder)
    const config = await loadConfig({
      flags: given({ network: this.name, mdns: false, host: '127.0.0.1', ...flags }),
      env
    })
    // Not those of the user who runs the tests.
    return { ...config, folders: { ...config.folders, downloads: join(folder, 'downloads') } }
  }
}

/** `127.0.0.1:PORT` of a node on loopback, without its peer ID. */
export function placeOf(node: ChatNode | DirectoryNode): string {
  return `127.0.0.1:${node instanceof ChatNode ? node.self.port : node.port}`
}

export function names(node: ChatNode): string[] {
  return node.peers.roster().map(({ nickname }) => nickname)
}

/** A flag that is set to undefined was not given. */
function given(flags: Flags): Partial<Record<SettingName, string | readonly string[] | boolean>> {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))
}
