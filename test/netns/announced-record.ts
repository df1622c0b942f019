// A program for a host of the test LAN: a client of a directory that listens
// nowhere and announces the given addresses as its own, until it is killed. It
// prints its peer ID, and `registered`. Arguments: the multiaddr of the
// directory, the network, the multiaddrs (comma).
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { DirectoryClient } from '../../src/directory/index.ts'
import { sealRecord } from '../../src/presence/index.ts'
import { commonServices, hostOptions } from '../../src/transport/host.ts'

const [directory = '', network = '', addresses = ''] = process.argv.slice(2)
const key = await generateKeyPair('Ed25519')
const { envelope } = await sealRecord(
  {
    seq: BigInt(Date.now()),
    issuedAtMs: Date.now(),
    nickname: 'stranger',
    status: '',
    addresses: addresses.split(',').map((address) => multiaddr(address)),
    capabilities: [],
    network
  },
  key
)
const libp2p = await createLibp2p({
  ...hostOptions({ key, host: '127.0.0.1', port: 0, discovery: [], gater: {} }),
  addresses: { listen: [] },
  services: commonServices
})
await libp2p.start()
process.stdout.write(`${libp2p.peerId.toString()}\n`)
const client = new DirectoryClient({
  network,
  announce: true,
  connect: async ({ signal }) => libp2p.dial(multiaddr(directory), { signal }),
  ownEnvelope: async () => envelope,
  onStale: async () => undefined
})
client.on('state', (state) => {
  if (state.state === 'connected' && state.registered) process.stdout.write('registered\n')
})
client.start()
