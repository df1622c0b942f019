import { expect, it } from 'vitest'
import { federationLine } from '../../../src/cli/wording/directory-wording.ts'
import type { FederationNotice } from '../../../src/node/index.ts'

const who = { peer: '12D3KooWabc', shortId: 'QUDYvKAJ', address: '/ip4/203.0.113.7/tcp/4001' }

it('says who, what and what to do about directories that take places or room', () => {
  const notices: FederationNotice[] = [
    { event: 'directory-turned-away', ...who, reason: 'places-taken', places: 16 },
    { event: 'directory-turned-away', ...who, reason: 'named-only', places: 16 },
    {
      event: 'directory-evicted',
      ...who,
      holder: '203.0.113.7',
      held: 15,
      places: 16,
      to: '12D3KooWdef',
      toShortId: 'WxYz1234'
    },
    { event: 'directory-refused-us', ...who, reason: 'named-only', why: 'it joins only with …', retryAfterMs: 30_000 },
    { event: 'directory-cut', ...who, address: '', forMs: 60_000 },
    { event: 'directory-left-out', ...who, leftOut: 7_400, peers: 2_600, named: false }
  ]
  expect(notices.map(federationLine)).toEqual([
    'TURNED AWAY directory QUDYvKAJ /ip4/203.0.113.7/tcp/4001: all 16 places for directories that are not named are taken. --join with its address gives it a place of its own',
    'TURNED AWAY directory QUDYvKAJ /ip4/203.0.113.7/tcp/4001: only directories that are named join here (--federate named). --join with its address gives it a place of its own',
    'EVICTED directory QUDYvKAJ /ip4/203.0.113.7/tcp/4001: 203.0.113.7 had 15 of 16 places for directories that are not named, and gave one to directory WxYz1234. --federate named admits none of them',
    'REFUSED BY directory QUDYvKAJ /ip4/203.0.113.7/tcp/4001: it joins only with …. Next try in 30 s',
    'CUT directory QUDYvKAJ: it floods, or passes on forgeries. It is refused for 60 s',
    'LEFT OUT 7400 peers of directory QUDYvKAJ /ip4/203.0.113.7/tcp/4001, 2600 are on the roster: there is no room for more. --join gives it room of its own, --federate named admits only such'
  ])
})
