import { expect, test } from 'vitest'
import { CommandUsageError } from '../../../src/cli/chat-commands/chat-command.ts'
import { inviteCommands, qrRows, readInviteRequest } from '../../../src/cli/chat-commands/invite-commands.ts'
import { resultJson } from '../../../src/cli/json/answer-json.ts'
import { invitationLines, invitationNewsText } from '../../../src/cli/wording/invitation-wording.ts'
import { FakeNode, invitation } from '../fake-node.ts'

const run = async (node: FakeNode, text?: string) => {
  const [command] = inviteCommands
  if (command === undefined) throw new Error('there is no /invite')
  const resolve = async (): Promise<never> => Promise.reject(new Error('nobody is named'))
  return command.run({ node, current: undefined, resolve }, text === undefined ? {} : { text })
}

test.each([
  ['', { is: 'make' }],
  ['many 20', { is: 'make', places: 20 }],
  ['Many 20 for 2h', { is: 'make', places: 20, forMs: 7_200_000 }],
  ['list', { is: 'list' }],
  ['end 7', { is: 'end', number: 7 }]
])('/invite %s', (given, request) => {
  expect(readInviteRequest(given)).toEqual(request)
})

test.each(['bob', 'many', 'many x', 'end', 'end seven', 'many 20 for'])('/invite %s is explained', (given) => {
  expect(() => readInviteRequest(given)).toThrow(CommandUsageError)
})

test('a code is made, listed and taken back', async () => {
  const node = new FakeNode()
  expect(await run(node)).toMatchObject({ is: 'invitation', invitation: { code: '7-oak-pilot-river' } })
  expect(await run(node, 'list')).toMatchObject({ is: 'invitations', invitations: [{ number: 7 }] })
  expect(await run(node, 'end 7')).toMatchObject({ is: 'invitation', invitation: { end: 'revoked' }, qr: [] })
  expect(node.invited).toEqual([])
})

test('a program gets the code and its link, and no picture', async () => {
  expect(resultJson(await run(new FakeNode()))).toEqual({
    invitation: {
      number: 7,
      code: '7-oak-pilot-river',
      link: 'parley:7-oak-pilot-river@203.0.113.7:8000',
      forMany: false,
      places: 1,
      came: [],
      failedTries: 0,
      expiresAtMs: invitation.expiresAtMs,
      directories: ['203.0.113.7:8000'],
      end: null
    }
  })
})

test('the longest code, with the longest address of a directory, fits into 80×24 with its words', async () => {
  const words = 'abstract-accident-accuse-acoustic'
  const code = `99999-${words}`
  const link = `parley:${code}@[2001:db8:1111:2222:3333:4444:5555:6666]:65535`
  const rows = await qrRows({ link })
  expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(80)
  const lines = invitationLines(
    { ...invitation, code, link, directories: ['[2001:db8::1]:8000'] },
    'Ctrl-C takes it back',
    rows
  )
  expect(lines.length).toBeLessThanOrEqual(24)
  expect(lines.slice(rows.length).every((line) => line.length <= 80)).toBe(true)
})

test('what becomes of a code, in words', () => {
  const came = [{ peer: '12D3KooWbob', name: 'bob', shortId: 'bobID' }]
  const used = { ...invitation, came, end: 'used' } as const
  expect(invitationNewsText({ what: 'came', invitation: used, peer: '12D3KooWbob', name: 'bob' })).toBe(
    'bob (bobID) came by your code, and is a contact now.'
  )
  const many = { ...invitation, came, isForMany: true, places: 20 }
  expect(invitationNewsText({ what: 'came', invitation: many, peer: '12D3KooWbob', name: 'bob' })).toBe(
    'bob (bobID) came by invitation 7: 1 of 20.'
  )
  expect(
    invitationNewsText({ what: 'failed', invitation: { ...invitation, failedTries: 2 }, from: '203.0.113.9' })
  ).toBe('A wrong code was tried for invitation 7, from 203.0.113.9: 2 so far.')
  expect(invitationNewsText({ what: 'ended', invitation: { ...invitation, end: 'expired' } })).toBe(
    'Invitation 7 has expired.'
  )
})
