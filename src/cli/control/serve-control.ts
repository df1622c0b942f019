// Opens the socket of a running parley where one can be had, and says so where
// none can: a chat without it is a chat all the same.
import type { ChatApi } from '../chat-api.ts'
import { profileFolder } from '../../node/settings.ts'
import type { Config } from '../../node/settings.ts'
import { pathToListenAt } from './control-path.ts'
import { ControlServer } from './control-server.ts'

/**
 * Serves the node, which holds the profile and has been started.
 *
 * @returns what ends it; to be called while the profile is still held
 */
export async function serveControl(node: ChatApi, config: Config): Promise<() => Promise<void>> {
  try {
    const path = await pathToListenAt(config.folders, profileFolder(config.folders.data, node.profile.name))
    if (path === undefined) return nothing
    const server = await ControlServer.start(node, path)
    return async () => server.stop()
  } catch {
    // A full disk, a file system without sockets: commands say that the profile is in use.
    return nothing
  }
}

async function nothing(): Promise<void> {}
