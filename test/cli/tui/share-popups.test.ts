import { expect, test } from 'vitest'
import { sharingPopup } from '../../../src/cli/tui/update/share-popups.ts'
import { quotedWords } from '../../../src/cli/process/quoted-words.ts'
import { shareView } from '../fake-node.ts'
import { TestScreen } from './screen.ts'

const { state } = TestScreen.ready(80, 24)
const peer = '12D3KooWbob'

test('one walks through what a peer shares: into a folder, out of it, on to the next page, and to a file', () => {
  const list = sharingPopup(
    {
      is: 'remote folder',
      folder: {
        peer,
        label: 'bob',
        path: 'Slides/My talks',
        entries: [
          { is: 'folder', name: "Autumn's", sizeBytes: 5 },
          { is: 'file', name: 'a b.pdf', sizeBytes: 2, modifiedAtMs: 7, file: '00' },
          { is: 'file', name: 'new', sizeBytes: 2, modifiedAtMs: 7 }
        ],
        hasMore: true
      }
    },
    state
  )
  const typed = list?.lines.map(({ enter }) => (enter?.is === 'line' ? quotedWords(enter.line) : undefined))
  expect(typed).toEqual([
    ['/browse', peer, 'Slides'],
    ['/browse', peer, "Slides/My talks/Autumn's"],
    ['/fetch', peer, 'Slides/My talks/a b.pdf'],
    undefined,
    ['/browse', peer, 'Slides/My talks', '--behind', 'new']
  ])
  const fetchFolder = list?.lines[1]?.keys?.['f']
  expect(fetchFolder?.is === 'line' ? quotedWords(fetchFolder.line) : undefined).toEqual([
    '/fetch',
    peer,
    "Slides/My talks/Autumn's"
  ])
})

test('a file that was found is fetched of the first that has it; an own share is ended by a key', () => {
  const sources = [
    { peer, label: 'bob', path: 'Slides/a' },
    { peer: '12D3KooWcarol', label: 'carol', path: 'b' }
  ]
  const found = sharingPopup(
    {
      is: 'files found',
      report: { words: ['a'], files: [{ file: '00', sizeBytes: 1, sources }], asked: 2, silent: 0, hasMore: false }
    },
    state
  )
  expect(found?.lines[0]?.enter).toEqual({ is: 'line', line: `/fetch ${peer} Slides/a` })
  expect(found?.lines[0]?.text).toContain('from bob and carol')
  const own = sharingPopup({ is: 'shares', shares: [{ ...shareView, name: 'My slides' }] }, state)
  expect(own?.lines[0]?.keys).toEqual({ x: { is: 'line', line: "/share remove 'My slides'" } })
  expect(sharingPopup({ is: 'shares', shares: [] }, state)).toBeUndefined()
})
