// A LAN that can be parted: hosts of network namespaces on one switch, and a
// second switch to which any of them can be moved, so that the network falls
// into two halves that each live on. It does not know what runs there.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Lan, type NetHost } from '../netns/lan.ts'

const run = promisify(execFile)
const otherSwitch = 'br1'

export class SplitLan {
  readonly #lan: Lan

  static async make(hosts: number): Promise<SplitLan> {
    const lan = new SplitLan(await Lan.create({ hosts, defaultRoute: 'none' }))
    try {
      await lan.#ip('link', 'add', otherSwitch, 'type', 'bridge', 'mcast_snooping', '0')
      await lan.#ip('link', 'set', otherSwitch, 'up')
      return lan
    } catch (error) {
      await lan.remove()
      throw error
    }
  }

  private constructor(lan: Lan) {
    this.#lan = lan
  }

  host(index: number): NetHost {
    return this.#lan.host(index)
  }

  /** Plugs the host's cable into the other switch: it reaches those that are there, and nobody else. */
  async moveOver(index: number): Promise<void> {
    await this.#ip('link', 'set', `p${index + 1}`, 'master', otherSwitch)
  }

  async remove(): Promise<void> {
    await this.#lan.remove()
  }

  async #ip(...args: readonly string[]): Promise<void> {
    const [program = '', ...wrapper] = this.#lan.switchWrapper
    await run(program, [...wrapper, 'ip', ...args])
  }
}
