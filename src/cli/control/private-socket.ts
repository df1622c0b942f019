// A socket at which a running parley listens, for its user alone. Clients find it by its
// path, so it listens again when the file is deleted or replaced: at a logout the system
// removes the runtime folder, and a daemon goes on. It knows nothing of what is said there.
import { once } from 'node:events'
import { lstatSync } from 'node:fs'
import { chmod, lstat, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { alignedInterval } from '../../lib/index.ts'
import { exitCodes, ParleyError } from '../../node/settings.ts'
import { MAX_SOCKET_PATH_BYTES } from './control-path.ts'

/** How often the file of the socket is looked at, which costs one system call. */
const SOCKET_LOOK_MS = 3_000

const socketMode = 0o600

/** Where to listen now. It differs over time: the runtime folder comes and goes with the sessions of the user. */
export type SocketPlace = () => Promise<string | undefined>

/** There is no folder in which the socket can lie. */
class NoSocketPlaceError extends ParleyError {
  override readonly name = 'NoSocketPlaceError'
  override readonly exitCode = exitCodes.unexpected

  constructor() {
    super(
      `there is no place for its socket: a folder of yours alone is needed, with a path of fewer than ${MAX_SOCKET_PATH_BYTES} bytes: ` +
        'set XDG_RUNTIME_DIR to such a folder'
    )
  }
}

interface Place {
  readonly path: string
  readonly inode: bigint
}

export class PrivateSocket {
  readonly #server: Server
  readonly #place: SocketPlace
  #at: Place | undefined
  #stopLooking: (() => void) | undefined
  #looking: Promise<void> = Promise.resolve()

  /**
   * Listens in place of whatever lies there. The caller holds the profile, so no other process listens there.
   *
   * @throws NoSocketPlaceError; what the system says when the socket can't be made
   */
  static async listen(server: Server, place: SocketPlace): Promise<PrivateSocket> {
    const socket = new PrivateSocket(server, place)
    const path = await place()
    if (path === undefined) throw new NoSocketPlaceError()
    await socket.#listen(path)
    socket.#stopLooking = alignedInterval(() => socket.#look(), SOCKET_LOOK_MS)
    return socket
  }

  private constructor(server: Server, place: SocketPlace) {
    this.#server = server
    this.#place = place
  }

  /** Stops listening, and removes the file. @returns when all connections have ended, too */
  async close(): Promise<void> {
    this.#stopLooking?.()
    await this.#looking
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #look(): void {
    this.#looking = this.#looking.then(async () => {
      if (this.#isThere()) return
      // A server listens at one path; its connections go on.
      this.#at = undefined
      this.#server.close()
      const path = await this.#place()
      if (path !== undefined) await this.#listen(path)
    })
    // A full disk, perhaps: it is tried again at the next look.
    this.#looking = this.#looking.catch(() => undefined)
  }

  /** Synchronous: one system call takes less than waking another thread for it, and the history lies on the same disk. */
  #isThere(): boolean {
    if (this.#at === undefined) return false
    const { path, inode } = this.#at
    try {
      const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
      return found?.isSocket() === true && found.ino === inode
    } catch {
      return false
    }
  }

  async #listen(path: string): Promise<void> {
    await rm(path, { force: true })
    this.#server.listen({ path })
    await once(this.#server, 'listening')
    // Out of file handles, perhaps: that connection is not served, the others are.
    if (this.#server.listenerCount('error') === 0) this.#server.on('error', () => undefined)
    await chmod(path, socketMode)
    const { ino } = await lstat(path, { bigint: true })
    this.#at = { path, inode: ino }
  }
}
