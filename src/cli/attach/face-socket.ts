// The socket at which faces attach to the node of a profile, seen from both ends.
// It lies beside the one for commands, and is as private.
import { createServer, type Server, type Socket } from 'node:net'
import { type Config, profileFolder, version } from '../../node/settings.ts'
import type { ChatApi } from '../chat-api/chat-api.ts'
import { call, finish, listenPrivately, pathsToCall, pathToListenAt } from '../control/index.ts'
import { AttachedNode } from './attached-node.ts'
import type { ConversationScreens } from '../chat-api/conversation-screens.ts'
import { FACE_PROTOCOL_VERSION, HELLO_TIMEOUT_MS, lineOf } from './face-protocol.ts'
import { FaceServer } from './face-server.ts'
import { greetingOf } from './node-link.ts'

/** Faces of one node at once: more than a person has terminals. */
const MAX_FACES = 32

export interface FacesInit {
  readonly node: ChatApi
  readonly config: Config
  /** The node has no face of its own. */
  readonly isDaemon: boolean
  /** All faces of the node, those of its own process too. */
  readonly screens: ConversationScreens
  /** Called as faces come and go: all, and those that show messages to a person. */
  readonly onCount?: (faces: { readonly all: number; readonly screens: number }) => void
  /** Why no face can attach. */
  readonly onFailure?: (error: unknown) => void
}

/**
 * Lets faces attach to the node, which holds the profile and has been started.
 *
 * @returns what ends it, to be called while the profile is still held
 */
export async function serveFaces(init: FacesInit): Promise<() => Promise<void>> {
  const { folders } = init.config
  const folder = profileFolder(folders.data, init.node.snapshot().self.profile.name)
  try {
    const path = await pathToListenAt(folders, folder, 'faces')
    if (path === undefined) return nothing
    const faces = new Faces(init)
    await faces.listen(path)
    return async () => faces.stop()
  } catch (error) {
    // A full disk, a file system without sockets: the node runs without other faces.
    init.onFailure?.(error)
    return nothing
  }
}

interface Served {
  readonly socket: Socket
  readonly ended: Promise<void>
}

class Faces {
  readonly #init: FacesInit
  readonly #server: Server
  readonly #served = new Map<FaceServer, Served>()
  /** Those that have said hello, and whether they are screens. */
  readonly #greeted = new Map<FaceServer, boolean>()

  constructor(init: FacesInit) {
    this.#init = init
    this.#server = createServer((socket) => this.#serve(socket))
  }

  async listen(path: string): Promise<void> {
    await listenPrivately(this.#server, path)
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const ended = Array.from(this.#served, async ([face, { socket, ended: end }]) => {
      face.end()
      // One that does not read holds nobody up.
      await finish(socket)
      await end
    })
    await Promise.all(ended)
    await closed
  }

  #serve(socket: Socket): void {
    socket.on('error', () => undefined) // 'close' follows
    const { node, isDaemon, screens } = this.#init
    if (this.#served.size >= MAX_FACES) {
      socket.write(lineOf({ is: 'hello', protocol: FACE_PROTOCOL_VERSION, version, isDaemon, pid: process.pid }))
      socket.write(lineOf({ is: 'refusal', reason: 'too-many-faces' }))
      void finish(socket)
      return
    }
    const face = new FaceServer({
      node,
      stream: socket,
      screens: screens.another(),
      isDaemon,
      onGreeted: ({ isScreen }) => {
        this.#greeted.set(face, isScreen)
        this.#count()
      }
    })
    const ended = face
      .run()
      .catch(() => undefined) // the history can't be read: the face asks again, and gets the reason
      .finally(() => {
        socket.destroy()
        this.#served.delete(face)
        if (this.#greeted.delete(face)) this.#count()
      })
    this.#served.set(face, { socket, ended })
  }

  #count(): void {
    const screens = [...this.#greeted.values()].filter((isScreen) => isScreen).length
    this.#init.onCount?.({ all: this.#greeted.size, screens })
  }
}

/**
 * Attaches to the node that runs on the profile of these settings.
 *
 * @returns undefined when none can be attached to there
 * @throws OtherVersionError, NodeGoneError; NoAnswerError when one is there and says nothing
 */
export async function attachedNode(
  config: Config,
  { signal, isScreen }: { readonly signal: AbortSignal; readonly isScreen: boolean }
): Promise<AttachedNode | undefined> {
  return AttachedNode.attach({ signal, isScreen, connect: async (options) => faceSocket(config, options.signal) })
}

/** @returns the process ID of the daemon that runs on the profile, of whatever version; undefined when there is none */
export async function daemonAt(config: Config, signal: AbortSignal): Promise<number | undefined> {
  const socket = await faceSocket(config, signal)
  if (socket === undefined) return undefined
  try {
    const { hello } = await greetingOf(socket, HELLO_TIMEOUT_MS)
    const { isDaemon, pid } = hello
    return isDaemon === true && typeof pid === 'number' ? pid : undefined
  } finally {
    socket.destroy()
  }
}

/** @returns a connection to the socket of faces of the node that runs on the profile; undefined when there is none */
export async function faceSocket({ folders, settings }: Config, signal: AbortSignal): Promise<Socket | undefined> {
  for (const path of await pathsToCall(folders, profileFolder(folders.data, settings.profile), 'faces')) {
    const socket = await call(path, signal)
    if (socket !== undefined) return socket
  }
  return undefined
}

async function nothing(): Promise<void> {}
