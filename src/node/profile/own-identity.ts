// Who a profile is, and where it can be dialled, without going on the network:
// for `parley id`, also while a chat holds the profile. The addresses are those
// that a chat started here has.
import { stat } from 'node:fs/promises'
import { networkInterfaces } from '../../transport/index.ts'
import { PeerBook } from '../../storage/index.ts'
import { addressOf, withPeerId } from '../dialing/address.ts'
import type { Config } from '../config/config.ts'
import { loadIdentity, readIdentity } from './identity.ts'
import { freePort } from '../dialing/listening.ts'
import { nicknameOf, openProfile, profileFiles } from './profile.ts'
import { shortId } from '../../lib/index.ts'

export interface OwnIdentity {
  readonly peer: string
  readonly shortId: string
  readonly nickname: string
  readonly network: string
  readonly profile: string
  readonly port: number
  /** Multiaddrs with the peer ID, other machines' way in first. */
  readonly addresses: readonly string[]
}

/** @throws ProfileInUseError when the profile is just being made by another parley */
export async function readOwnIdentity(config: Config): Promise<OwnIdentity> {
  const { settings, folders } = config
  const files = profileFiles(folders.data, settings.profile)
  if (!(await exists(files.key)) || (await PeerBook.open(files.book)).port === undefined) await makeProfile(config)
  const { peer } = await loadIdentity(files.key)
  const book = await PeerBook.open(files.book)
  const port = settings.port ?? book.port ?? 0
  const addresses = hostsOf(settings.host).map((host) => withPeerId(addressOf({ host, port }), peer).toString())
  const nickname = nicknameOf(config, { name: settings.profile, book })
  const { network, profile } = settings
  return { peer, shortId: shortId(peer), nickname, network, profile, port, addresses }
}

/** The peer ID of the profile, also while another process holds it; undefined when it has none yet. Nothing is made. */
export async function knownOwnPeer({ settings, folders }: Config): Promise<string | undefined> {
  return (await readIdentity(profileFiles(folders.data, settings.profile).key))?.peer
}

/** Makes the key, and chooses the port that the first start will listen on. */
async function makeProfile({ settings, folders }: Config): Promise<void> {
  const profile = await openProfile(folders.data, settings.profile, { orNextFree: false })
  try {
    if (profile.book.port === undefined) await profile.book.setPort(settings.port ?? (await freePort(settings.host)))
  } finally {
    profile.release()
  }
}

function hostsOf(host: string | undefined): readonly string[] {
  if (host !== undefined && host !== '0.0.0.0' && host !== '::') return [host]
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  const outward = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  return outward.length > 0 ? outward.map(({ address }) => address) : ['127.0.0.1']
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined
}
