// The socket at which faces attach to the node of a profile, seen from both ends.
// It lies beside the one for commands, and is as private.
import { createServer, type Server, type Socket } from 'node:net'
import {
  type Config,
  exitCodes,
  ParleyError,
  processNote,
  profileFolder,
  profileHolder,
  version
} from '../../node/settings.ts'
import type { ChatApi } from '../chat-api/chat-api.ts'
import { call, finish, NoAnswerError, pathsToCall, pathToListenAt, PrivateSocket } from '../control/index.ts'
import { AttachedNode } from './attached-node.ts'
import type { ConversationScreens } from '../chat-api/conversation-screens.ts'
import { FACE_PROTOCOL_VERSION, FACE_HELLO_TIMEOUT_MS, lineOf, type NodeHello } from './face-protocol.ts'
import { FaceServer } from './face-server.ts'
import { greetingOf, NodeGoneError } from './node-link.ts'

/** Faces of one node at once: more than a person has terminals. */
const MAX_FACES = 32

/** Of a node without a face of its own: the options that it was started with. */
type DaemonOptions = Pick<NodeHello, 'options'>

export interface FacesInit {
  readonly node: ChatApi
  readonly config: Config
  readonly daemon?: DaemonOptions
  /** All faces of the node, those of its own process too. */
  readonly screens: ConversationScreens
  /** Called as faces come and go: all, and those that a person attends to. */
  readonly onCount?: (faces: { readonly all: number; readonly attended: number }) => void
  /** Why no face can attach. */
  readonly onFailure?: (error: unknown) => void
}

/**
 * Lets faces attach to the node, which holds the profile and has been started.
 *
 * @returns what ends it, to be called while the profile is still held
 */
export async function serveFaces(init: FacesInit): Promise<() => Promise<void>> {
  try {
    // A process that serves faces has a node, and so has loaded libp2p.
    const { writtenPeerId } = await import('../../node/index.ts')
    const faces = new Faces(init, (text) => writtenPeerId(text) === text)
    await faces.listen(placeOf(init.config, init.node.snapshot().self.profile.name))
    return async () => faces.stop()
  } catch (error) {
    // A full disk, a file system without sockets: the node runs without other faces.
    init.onFailure?.(error)
    return nothing
  }
}

function placeOf({ folders }: Config, profile: string): () => Promise<string | undefined> {
  return async () => pathToListenAt(folders, profileFolder(folders.data, profile), 'faces')
}

function helloOf(daemon: DaemonOptions | undefined, isLocked = false): NodeHello {
  const { options = [] } = daemon ?? {}
  const isDaemon = daemon !== undefined
  return { is: 'hello', protocol: FACE_PROTOCOL_VERSION, version, isDaemon, pid: process.pid, options, isLocked }
}

function refuse(socket: Socket, hello: NodeHello, reason: 'too-many-faces' | 'locked'): void {
  socket.write(lineOf(hello))
  socket.write(lineOf({ is: 'refusal', reason }))
  void finish(socket)
}

/**
 * Answers for a daemon that waits for the passphrase of its key: faces are told so, and it can be found and ended.
 *
 * @param init.profile the name of the profile, which this process holds
 * @returns what ends it
 */
export async function serveWhileLocked(
  init: Pick<FacesInit, 'config' | 'onFailure'> & { readonly profile: string; readonly daemon: DaemonOptions }
): Promise<() => Promise<void>> {
  const hello = helloOf(init.daemon, true)
  const server = createServer((socket) => {
    socket.on('error', () => undefined) // 'close' follows
    refuse(socket, hello, 'locked')
  })
  server.maxConnections = MAX_FACES
  try {
    const listening = await PrivateSocket.listen(server, placeOf(init.config, init.profile))
    return async () => listening.close()
  } catch (error) {
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
  readonly #isPeer: (text: string) => boolean
  readonly #server: Server
  readonly #served = new Map<FaceServer, Served>()
  readonly #hello: NodeHello
  #listening: PrivateSocket | undefined
  #isOver = false
  /** Those that have said hello, and whether a person attends to them. */
  readonly #greeted = new Map<FaceServer, boolean>()

  constructor(init: FacesInit, isPeer: (text: string) => boolean) {
    this.#init = init
    this.#isPeer = isPeer
    this.#hello = helloOf(init.daemon)
    this.#server = createServer((socket) => this.#serve(socket))
  }

  async listen(place: () => Promise<string | undefined>): Promise<void> {
    this.#listening = await PrivateSocket.listen(this.#server, place)
  }

  async stop(): Promise<void> {
    this.#isOver = true
    const closed = this.#listening?.close()
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
    const { node, screens } = this.#init
    if (this.#isOver) return void socket.destroy()
    if (this.#served.size >= MAX_FACES) {
      return refuse(socket, this.#hello, 'too-many-faces')
    }
    const face = new FaceServer({
      node,
      stream: socket,
      screens: screens.another(),
      isPeer: this.#isPeer,
      hello: this.#hello,
      onAttended: (isAttended) => {
        this.#greeted.set(face, isAttended)
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
    const attended = [...this.#greeted.values()].filter((isAttended) => isAttended).length
    this.#init.onCount?.({ all: this.#greeted.size, attended })
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
  { signal, isAttended }: { readonly signal: AbortSignal; readonly isAttended: boolean }
): Promise<AttachedNode | undefined> {
  return AttachedNode.attach({ signal, isAttended, connect: async (options) => faceSocket(config, options.signal) })
}

export interface RunningDaemon {
  readonly pid: number
  /** The options that it was started with; none where it is of a version that does not say. */
  readonly options: readonly string[]
  /** It waits for the passphrase of its key. */
  readonly isLocked: boolean
}

/** The process that holds the profile is there and says nothing. */
class SilentNodeError extends ParleyError {
  override readonly name = 'SilentNodeError'
  override readonly exitCode = exitCodes.profileInUse

  constructor(profile: string, pid: number | undefined, cause: unknown) {
    const remedy = pid === undefined ? '' : `; kill -CONT ${pid} resumes a suspended one, kill -9 ${pid} ends any`
    super(
      `the parley that runs on the profile ${profile}${processNote(pid)} does not answer: ` +
        `it may be suspended or very busy. Try again${remedy}`,
      { cause }
    )
  }
}

/**
 * @returns the daemon that runs on the profile, of whatever version; undefined when there is none
 * @throws SilentNodeError
 */
export async function daemonAt(config: Config, signal: AbortSignal): Promise<RunningDaemon | undefined> {
  try {
    return await greetedDaemon(config, signal)
  } catch (error) {
    const isSilent = error instanceof NoAnswerError || (error instanceof NodeGoneError && error.isSilent)
    if (isSilent && !signal.aborted)
      throw new SilentNodeError(config.settings.profile, await profileHolder(config), error)
    // It is just ending.
    if (error instanceof NodeGoneError) return undefined
    throw error
  }
}

async function greetedDaemon(config: Config, signal: AbortSignal): Promise<RunningDaemon | undefined> {
  const socket = await faceSocket(config, signal)
  if (socket === undefined) return undefined
  try {
    const { hello } = await greetingOf(socket, { timeoutMs: FACE_HELLO_TIMEOUT_MS, signal })
    const { isDaemon, pid, options, isLocked } = hello
    if (isDaemon !== true || typeof pid !== 'number') return undefined
    const words = Array.isArray(options) ? options.filter((word) => typeof word === 'string') : []
    return { pid, options: words, isLocked: isLocked === true }
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
