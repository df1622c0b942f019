/** Too many connections, as people read of them: what is done, and what they can do. Pure. */
import { expect, test } from 'vitest'
import { pressureNotice } from '../../src/node/pressure-notice.ts'

const figures = {
  open: 400,
  maxOpen: 400,
  pending: 12,
  maxPending: 256,
  holders: [{ from: '203.0.113.7', connections: 310 }],
  gaveWay: 1
}

test('the beginning names the address, how much it holds, what is done and what the user can do', () => {
  expect(pressureNotice({ is: 'began', from: '203.0.113.7', ...figures })).toEqual({
    code: 'too-many-connections',
    text:
      'Too many connections from 203.0.113.7 (310 of its own, 400 of 400 in all, 12 more not identified yet). ' +
      'Its oldest ones are closed to make room for others. If this goes on, block that address in your firewall.'
  })
})

test.each(['0102030405060708 behind CuxzTirmZxd8', 'unknown'])(
  'peers behind a relay have no address here that a firewall could block: %s',
  (from) => {
    const { text } = pressureNotice({ is: 'began', from, ...figures })
    expect(text).toContain(`Too many connections from ${from} (`)
    expect(text).toMatch(/They come through a relay, so a firewall here can't tell them from others\.$/u)
  }
)

test.each(['2001:db8::/64', 'fe80::7%eth0', '192.0.2.7'])('%s can be blocked in a firewall', (from) => {
  expect(pressureNotice({ is: 'began', from, ...figures }).text).toMatch(/block that address in your firewall\.$/u)
})

test('the end tells how long it lasted and whose connections were closed', () => {
  const end = { is: 'ended', from: '2001:db8::/64', ended: 1204, endedFrom: 1190, lastedMs: 40_200 } as const
  expect(pressureNotice(end).text).toBe(
    'Connections are back to normal. For 40 s there were too many: 1204 were closed, 1190 of them from 2001:db8::/64.'
  )
  expect(pressureNotice({ ...end, ended: 1, endedFrom: 1, lastedMs: 3 }).text).toBe(
    'Connections are back to normal. For 1 s there were too many: 1 was closed, from 2001:db8::/64.'
  )
})
