// The socket of a running parley: each connection gets a JSON face of its own on the
// node. A connection's end is the end of its face and of nothing else. Only the
// holder of the profile may start one: it replaces what lies at its path. Where no
// socket can be made, the chat runs without one.
import { setMaxListeners } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Config, profileFolder } from '../../node/settings.ts'
import type { ChatApi } from '../chat-api/chat-api.ts'
import { ConversationScreens, faceOf } from '../chat-api/conversation-screens.ts'
import { JsonFace } from '../json/index.ts'
import { escapedJson } from '../process/clean-text.ts'
import { pathToListenAt } from './control-path.ts'
import { PrivateSocket, type SocketPlace } from './private-socket.ts'

/**
 * Programs that may speak to a running chat at once: enough for a script that starts many sends, a bound for a leak.
 */
export const MAX_CONTROL_CONNECTIONS = 32

/** How long the last lines to a connection may take to be read, when it ends. */
const CONTROL_END_MS = 1000

/** Beside the guests the node has its own face, and what sends or waits on it. */
const ownListeners = 10

export class ControlServer {
  readonly #node: ChatApi
  readonly #screens: ConversationScreens
  readonly #server: Server
  readonly #guests = new Map<Socket, { readonly face: JsonFace; readonly ended: Promise<void> }>()
  readonly #life = new AbortController()
  readonly #looked: Promise<unknown>
  readonly #command: string | undefined
  #socket: PrivateSocket | undefined

  /**
   * Listens at `place`. The caller holds the profile, so no other process listens there.
   *
   * @param node has been started
   * @param command the one that the node ends with, if it is not a person who ends it
   * @throws when the socket can't be made
   */
  static async start(
    node: ChatApi,
    place: SocketPlace,
    screens = new ConversationScreens(node),
    command?: string
  ): Promise<ControlServer> {
    const server = new ControlServer(node, screens, command)
    try {
      server.#socket = await PrivateSocket.listen(server.#server, place)
      return server
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  private constructor(node: ChatApi, screens: ConversationScreens, command: string | undefined) {
    this.#screens = screens
    this.#command = command
    this.#node = node
    this.#looked = node.peers.firstLook({ signal: this.#life.signal }).catch(() => undefined)
    const { events } = node
    if (events instanceof EventTarget) setMaxListeners(MAX_CONTROL_CONNECTIONS + ownListeners, events)
    // A client that has written its commands may close its half and read on.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket))
    // A refused client takes a moment to learn it; there are no more of them than of the others.
    this.#server.maxConnections = 2 * MAX_CONTROL_CONNECTIONS
  }

  /** Closes the socket, removes it, and says goodbye to all who are connected. */
  async stop(): Promise<void> {
    this.#life.abort()
    const closed = this.#socket?.close()
    for (const { face } of this.#guests.values()) face.end('interrupted')
    await Promise.all(Array.from(this.#guests.values(), async ({ ended }) => ended))
    await closed
  }

  #serve(socket: Socket): void {
    socket.on('error', () => undefined) // 'close' follows and ends the face
    if (this.#life.signal.aborted) {
      socket.destroy()
    } else if (this.#guests.size >= MAX_CONTROL_CONNECTIONS) {
      const message = `${MAX_CONTROL_CONNECTIONS} programs are connected already: try again when one has ended`
      socket.write(`${escapedJson({ event: 'error', code: 'too-many-connections', message })}\n`)
      void finish(socket)
    } else {
      const input = socket.pipe(new PassThrough())
      const guest = { looked: this.#looked, command: this.#command }
      const screens = this.#screens.another()
      const face = new JsonFace({ node: faceOf(this.#node, screens), input, output: socket, guest })
      socket.once('close', () => face.end('interrupted'))
      this.#guests.set(socket, { face, ended: this.#run(socket, face, screens) })
    }
  }

  async #run(socket: Socket, face: JsonFace, screens: ConversationScreens): Promise<void> {
    try {
      await face.run()
      await finish(socket)
    } catch {
      // The history can't be read, and no listener is left for the error.
      socket.destroy()
    } finally {
      await screens.close()
      this.#guests.delete(socket)
    }
  }
}

/** Gives the last lines some time to be read. */
export async function finish(socket: Socket): Promise<void> {
  if (socket.destroyed) return
  // Discards further input: unread bytes would turn the end into a reset.
  socket.resume()
  socket.end()
  const over = new AbortController()
  socket.once('close', () => over.abort())
  await sleep(CONTROL_END_MS, undefined, { signal: over.signal }).catch(() => undefined)
  socket.destroy()
}

/**
 * Serves the node, which holds the profile and has been started.
 *
 * @param command see {@link ControlServer.start}
 * @returns what ends it; to be called while the profile is still held
 */
export async function serveControl(
  node: ChatApi,
  config: Config,
  screens: ConversationScreens,
  command?: string
): Promise<() => Promise<void>> {
  try {
    const { folders } = config
    const folder = profileFolder(folders.data, node.snapshot().self.profile.name)
    const server = await ControlServer.start(node, async () => pathToListenAt(folders, folder), screens, command)
    return async () => server.stop()
  } catch {
    // A full disk, a file system without sockets: commands say that the profile is in use.
    return nothing
  }
}

async function nothing(): Promise<void> {}
