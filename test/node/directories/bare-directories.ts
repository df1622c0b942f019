// Directories as a peer uses them, without the rest of the peer: it announces nothing,
// and takes no notice of what they say of others.
import { Directories, type DirectoriesInit } from '../../../src/node/directories/directories.ts'

type Given = Pick<DirectoriesInit, 'network' | 'dialer'> & Partial<Pick<DirectoriesInit, 'named' | 'useDefaults'>>

/** @param given.remembered the directories of earlier runs */
export function bareDirectories({
  remembered = [],
  ...given
}: Given & { readonly remembered?: readonly string[] }): Directories {
  return new Directories({
    named: [],
    useDefaults: false,
    announce: false,
    presence: {
      get own(): never {
        throw new Error('nothing is announced here')
      },
      newest: () => undefined,
      supersede: async () => undefined,
      applyEntries: () => undefined,
      directoryLost: () => undefined,
      resolved: () => undefined
    },
    peers: { name: (peer) => peer, attestationsChanged: () => undefined },
    book: { directories: () => remembered, webSocketOf: () => undefined, rememberDirectory: async () => undefined },
    ...given
  })
}
