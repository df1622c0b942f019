import { describe, expect, test } from 'vitest'
import { peerLabel } from '../../../src/node/peers/peer-label.ts'

describe('a line names a peer', () => {
  const peer = '12D3KooWAnnaaaaaH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'
  const other = { peer: 'other', name: 'anna', shortId: 'otherID' }

  test('by its name, with ID and mark if the name could mean another peer', () => {
    expect(peerLabel({ peer, name: 'anna', isContact: false })).toBe('anna')
    expect(peerLabel({ peer, name: 'anna', isContact: true, sharesNameWith: other })).toBe('anna (AnnaaaaaH4L3)')
    expect(peerLabel({ peer, name: 'anna', isContact: false, sharesNameWith: other })).toBe('! anna (AnnaaaaaH4L3)')
    const sameNameAs = { ...other, verified: false, own: false }
    expect(peerLabel({ peer, name: 'anna', isContact: true, sameNameAs })).toBe('! anna (AnnaaaaaH4L3)')
    expect(peerLabel({ peer, name: 'AnnaaaaaH4L3', isContact: false, sameNameAs })).toBe('AnnaaaaaH4L3')
  })
})
