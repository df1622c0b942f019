// A profile whose key is locked, while its node waits for the passphrase: its
// socket says so to every client, and takes the passphrase from
// `parley unlock`. When the key is open this socket closes, and the node makes
// its own.
import { createServer, type Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { MAX_CONTROL_CONNECTIONS, finish } from './control-server.ts'
import { writeLines, type CommandIo } from '../process/io.ts'
import { LockedFace } from '../json/index.ts'
import { defaultProfile, KeyLockedError, profileFolder } from '../../node/settings.ts'
import type { Config, LockedIdentity, Unlocker } from '../../node/settings.ts'
import { pathToListenAt } from './control-path.ts'
import { PrivateSocket, type SocketPlace } from './private-socket.ts'

type Key = Awaited<ReturnType<LockedIdentity['unlock']>>

/**
 * Waits for the passphrase: over the socket of the profile, or in JSON lines on standard input.
 *
 * @returns a function that throws KeyLockedError when no way is left
 */
export function waitForUnlock(init: {
  readonly io: CommandIo
  readonly config: Config
  readonly asJson: boolean
}): Unlocker {
  return async (locked) => {
    const waiting = new LockedProfile(locked)
    try {
      const isServed = await serve(waiting, locked, init.config)
      if (init.asJson) waiting.answerOn(init.io)
      else if (!isServed)
        throw new KeyLockedError(`${isLocked(locked)}, and no socket could be made to unlock it through`)
      else writeLines(init.io.stderr, [`parley: ${isLocked(locked)}: ${unlockCommand(locked)} opens it.`])
      return await waiting.opened(init.io.interrupted)
    } finally {
      await waiting.close()
    }
  }
}

function isLocked({ owner }: Pick<LockedIdentity, 'owner'>): string {
  return `the key of ${owner} is locked`
}

function unlockCommand({ profile }: LockedIdentity): string {
  return profile === undefined || profile === defaultProfile ? 'parley unlock' : `parley unlock --profile ${profile}`
}

class LockedProfile {
  readonly #locked: LockedIdentity
  readonly #opened = Promise.withResolvers<Key>()
  /** Each guess takes 64 MiB for a moment: one after the other. */
  #guessing: Promise<unknown> = Promise.resolve()
  readonly #faces = new Map<LockedFace, Promise<void>>()
  #socket: PrivateSocket | undefined

  constructor(locked: LockedIdentity) {
    this.#locked = locked
    this.#opened.promise.catch(() => undefined) // reported by opened()
  }

  /** @throws KeyLockedError; what aborted `interrupted` */
  async opened(interrupted: AbortSignal): Promise<Key> {
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(interrupted.reason)
    if (interrupted.aborted) onAbort()
    else interrupted.addEventListener('abort', onAbort, { once: true })
    try {
      const key = await Promise.race([this.#opened.promise, aborted.promise])
      for (const face of this.#faces.keys()) face.unlocked()
      return key
    } finally {
      interrupted.removeEventListener('abort', onAbort)
    }
  }

  /** Takes commands from standard input until the key is open; what follows is left for the node's own face. */
  answerOn({ stdin, stdout }: CommandIo): void {
    const face = this.#face(stdin, stdout, false)
    this.#follow(face, async () => {
      if ((await face.run()) === 'unlocked') return
      this.#opened.reject(new KeyLockedError(`${isLocked(this.#locked)}, and there is no more input to unlock it`))
    })
  }

  /** Listens at `place`, where no other process listens: this one holds the profile. */
  async listen(place: SocketPlace): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket))
    server.maxConnections = MAX_CONTROL_CONNECTIONS
    this.#socket = await PrivateSocket.listen(server, place)
  }

  async close(): Promise<void> {
    for (const face of this.#faces.keys()) face.interrupt()
    const closed = this.#socket?.close()
    await Promise.all(this.#faces.values())
    await closed
  }

  #serve(socket: Socket): void {
    socket.on('error', () => undefined) // 'close' follows and ends the face
    const face = this.#face(socket, socket, true)
    this.#follow(face, async () => {
      await face.run()
      await finish(socket)
    })
  }

  #face(input: Readable, output: Writable, isGuest: boolean): LockedFace {
    return new LockedFace({ locked: this.#locked, input, output, isGuest, unlock: async (text) => this.#unlock(text) })
  }

  #follow(face: LockedFace, work: () => Promise<void>): void {
    const done = work().finally(() => this.#faces.delete(face))
    this.#faces.set(face, done)
  }

  async #unlock(passphrase: string): Promise<void> {
    const guess = this.#guessing.then(async () => this.#locked.unlock(passphrase))
    this.#guessing = guess.catch(() => undefined)
    this.#opened.resolve(await guess)
  }
}

/** @returns false where no socket can be made, a full disk, a file system without them */
async function serve(
  waiting: LockedProfile,
  { profile }: LockedIdentity,
  { folders, settings }: Config
): Promise<boolean> {
  const folder = profileFolder(folders.data, profile ?? settings.profile)
  try {
    await waiting.listen(async () => pathToListenAt(folders, folder))
    return true
  } catch {
    return false
  }
}
