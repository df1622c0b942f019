/** Named relays, as people read of them: what became of one, and what they can do. Pure. */
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { relayNotice } from '../../../src/node/reachability/relays-in-use.ts'
import { RelayRefusedError } from '../../../src/relay/index.ts'

test('a named relay that refuses says what the user can do, and one with limits which these are', () => {
  const address = multiaddr('/ip4/203.0.113.7/tcp/4001')
  const refused = (status: ConstructorParameters<typeof RelayRefusedError>[0]): string =>
    relayNotice(address, { is: 'lost', why: new RelayRefusedError(status) }).text
  expect(refused('permission-denied')).toBe(
    "The relay at 203.0.113.7:4001 can't be used: it does not relay for you. " +
      'A directory relays for those who use it: give --directory too. Parley tries again.'
  )
  expect(refused('reservation-refused')).toBe(
    "The relay at 203.0.113.7:4001 can't be used: it has no place for you. Name another one, or wait. Parley tries again."
  )
  const allowance = { durationS: 120, bytes: 131_072 }
  expect(relayNotice(address, { is: 'reserved', relay: '12D3KooWCbJ6SGTETXjRj', allowance }).text).toMatch(
    /^Others who name the relay \S+ reach you through it\. It ends a connection after 2m or after 128 KiB each way;/u
  )
})
