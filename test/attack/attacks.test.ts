// Which attacks there are, and which of them continuous integration runs.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { attacks } from './attacks/index.ts'

/** What once froze, filled or deceived a node; each stands for a kind. */
const onceHarmful = [
  'endless-length-before-noise',
  'endless-length-in-a-stream',
  'pings-unread',
  'syn-flood',
  'rapid-reset',
  'headers-of-garbage',
  'made-up-peers',
  'made-up-directories',
  'idle-connections-of-one-key',
  'silent-sockets-from-two-addresses',
  'requests-of-many-keys',
  'messages-of-a-contact',
  'zalgo-of-a-contact',
  'half-open-requests',
  'event-streams-of-four-addresses',
  'namesakes-of-a-friend',
  'records-of-many-keys'
]

test('there are at least sixty attacks on a chat and a directory, each under a name of its own', () => {
  expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length)
  expect(attacks.length).toBeGreaterThanOrEqual(60)
})

test('continuous integration runs those that once harmed a node, at least fifteen', () => {
  const sample = attacks.filter(({ inSample }) => inSample === true).map(({ name }) => name)
  expect(sample.length).toBeGreaterThanOrEqual(15)
  expect(sample).toEqual(expect.arrayContaining(onceHarmful))
})

test('the threat model has a row for each attack on each kind of node', () => {
  const page = readFileSync(new URL('../../docs/threat-model.md', import.meta.url), 'utf8')
  const missing = attacks
    .flatMap(({ name, against }) => against.map((kind) => `| ${name} | ${kind} |`))
    .filter((row) => !page.includes(row))
  expect(missing).toEqual([])
})
