import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { pathsOf, withHint } from '../../../src/cli/chat-commands/file-commands.ts'
import { UsageError } from '../../../src/node/settings.ts'
import { transferLine, transferNewsText, transferResultText } from '../../../src/cli/wording/transfer-wording.ts'
import { transfer } from '../fake-node.ts'

test.each([
  ['/a/b.jpg', ['/a/b.jpg']],
  ["'/a b/c.jpg' ", ['/a b/c.jpg']],
  ['"/it\'s/c.jpg" /d', ["/it's/c.jpg", '/d']],
  ['/a\\ b/c\\\\d', ['/a b/c\\d']],
  ["/a' 'b", ['/a b']],
  ['~/c.jpg', [join(homedir(), 'c.jpg')]],
  ['c.jpg', [resolve('c.jpg')]],
  ['', []]
])('the paths in %j', (typed, paths) => {
  expect(pathsOf(typed)).toEqual(paths)
})

test('a path with spaces and without quotes is answered with how to write it', () => {
  const missing = new UsageError('"/a/my" can\'t be sent: there is no such file')
  expect(withHint(missing, '/a/my photo.jpg')).toHaveProperty(
    'message',
    '"/a/my" can\'t be sent: there is no such file. A path with spaces goes in quotes: /file "/a/my photo.jpg"'
  )
  expect(withHint(missing, '/a/my')).toBe(missing)
})

test('a file in words: one line, whatever its name is', () => {
  expect(transferNewsText({ what: 'offered', transfer })).toBe(
    'bob offers photo␤.jpg (3 MiB): /get 12 fetches it, /decline 12 refuses it.'
  )
  const running = { ...transfer, state: 'running', doneBytes: 2 ** 20, bytesPerSecond: 2 ** 19 } as const
  expect(transferLine(running)).toBe(' 12  photo␤.jpg (3 MiB) from bob: fetching, 33 %, 512 KiB/s, 4 s left')
  expect(transferLine({ ...running, state: 'waiting', place: 2 })).toBe(
    " 12  photo␤.jpg (3 MiB) from bob: waiting, place 2 in its sender's queue, 33 %"
  )
  expect(transferLine({ ...transfer, why: 'its sender is gone' })).toBe(
    ' 12  photo␤.jpg (3 MiB) from bob: offered, /get 12 fetches it; its sender is gone'
  )
  expect(transferLine({ ...transfer, direction: 'out', state: 'done' })).toBe(' 12  photo␤.jpg (3 MiB) to bob: sent')
  expect(transferNewsText({ what: 'done', transfer: { ...transfer, path: '/d/photo.jpg' } })).toBe(
    'photo␤.jpg (3 MiB) from bob is here: /d/photo.jpg'
  )
  expect(transferNewsText({ what: 'failed', transfer: { ...transfer, why: 'it is gone' } })).toBe(
    'photo␤.jpg (3 MiB) from bob was not fetched: it is gone. /get 12 tries again.'
  )
  expect(transferNewsText({ what: 'progress', transfer })).toBeUndefined()
  expect(transferResultText({ ...transfer, state: 'declined' })).toBe(
    'photo␤.jpg (3 MiB) is not fetched. /get 12 takes that back.'
  )
})
