import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PeerTarget } from '../../../src/cli/chat-api/chat-api.ts'
import { CommandUsageError, type CommandArguments } from '../../../src/cli/chat-commands/chat-command.ts'
import { findCommand } from '../../../src/cli/chat-commands/chat-commands.ts'
import { resultJson } from '../../../src/cli/json/answer-json.ts'
import { quotedWord, quotedWords } from '../../../src/cli/process/quoted-words.ts'
import {
  fetchingText,
  remoteFolderLines,
  searchLines,
  searchNewsText,
  shareLine
} from '../../../src/cli/wording/share-wording.ts'
import { FakeNode, shareView, transfer } from '../fake-node.ts'

const bob: PeerTarget = { peer: '12D3KooWbob', name: 'bob', shortId: 'bob', by: 'id' }

async function run(node: FakeNode, name: string, args: CommandArguments) {
  const command = findCommand(name)
  if (command === undefined) throw new Error(`there is no /${name}`)
  return command.run({ node, current: bob.peer, resolve: async () => bob }, args)
}

describe('/share', () => {
  test('a folder is shared with contacts, and in a quoted path, with its options', async () => {
    const node = new FakeNode()
    await run(node, 'share', { text: 'add ~/Slides' })
    await run(node, 'share', { text: `add '/srv/My music' --with lan --searchable --as Music` })
    await run(node, 'share', { text: 'add relative --with bob --with bob' })
    expect(
      node.sharesNow.map(({ folder, name, audience, isSearchable }) => [folder, name, audience, isSearchable])
    ).toEqual([
      [join(homedir(), 'Slides'), 'Slides', { is: 'contacts' }, false],
      ['/srv/My music', 'Music', { is: 'lan' }, true],
      [resolve('relative'), 'Slides', { is: 'peers', peers: [bob.peer, bob.peer] }, false]
    ])
    await run(node, 'share', { text: 'remove Music' })
    expect(await run(node, 'share', {})).toMatchObject({
      is: 'shares',
      shares: [{ name: 'Slides' }, { name: 'Slides' }]
    })
  })

  test.each([
    'add',
    'add --with lan',
    'add /x --as',
    'add /x --with',
    'add /x --with lan --with bob',
    'what',
    'remove'
  ])('/share %s is explained', async (text) => {
    await expect(run(new FakeNode(), 'share', { text })).rejects.toThrow(CommandUsageError)
  })
})

test('a program gets what a peer shares, with null for a file that was not read yet', async () => {
  const node = new FakeNode()
  node.remote = {
    peer: bob.peer,
    label: 'bob',
    path: 'Slides',
    entries: [
      { is: 'folder', name: 'Autumn', sizeBytes: 5 },
      { is: 'file', name: 'a.pdf', sizeBytes: 2, modifiedAtMs: 7, file: undefined }
    ],
    hasMore: true
  }
  expect(resultJson(await run(node, 'browse', { peer: ['bob'], text: 'Slides' }))).toEqual({
    peer: bob.peer,
    path: 'Slides',
    entries: [
      { is: 'folder', name: 'Autumn', sizeBytes: 5, modifiedAtMs: null, file: null },
      { is: 'file', name: 'a.pdf', sizeBytes: 2, modifiedAtMs: 7, file: null }
    ],
    more: true
  })
})

test('a search goes on until it is ended', async () => {
  const node = new FakeNode()
  expect(await run(node, 'find', { text: '--wait autumn  slides' })).toEqual({
    is: 'searches',
    searches: [['autumn', 'slides']]
  })
  expect(await run(node, 'find', { text: '--end' })).toEqual({ is: 'searches', searches: [] })
  await expect(run(node, 'find', {})).rejects.toThrow(CommandUsageError)
})

describe('in words', () => {
  test('names of other machines make no second line, and act on no terminal', () => {
    const hostile = 'a\n\u001b[31mb\u202e'
    const folder = {
      peer: bob.peer,
      label: hostile,
      path: hostile,
      entries: [{ is: 'folder', name: hostile, sizeBytes: 1 }] as const,
      hasMore: true
    }
    const files = [{ file: '00', sizeBytes: 1, sources: [{ peer: bob.peer, label: hostile, path: hostile }] }]
    const lines = [
      ...remoteFolderLines(folder),
      ...searchLines({ words: ['w'], files, asked: 1, silent: 0, hasMore: false }),
      searchNewsText({ words: ['w'], files }),
      fetchingText([{ ...transfer, label: hostile }])
    ]
    // Of a terminal's characters none is left.
    for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\u202e]/u)
  })

  test('a share says how far it has been read, and what is wrong with it', () => {
    expect(shareLine(shareView)).toBe('Slides  /home/anna/Slides: 2 files (2 KiB), for your contacts')
    expect(shareLine({ ...shareView, readFiles: 1, readBytes: 1024, isBusy: true, isSearchable: true })).toBe(
      'Slides  /home/anna/Slides: 2 files (2 KiB), 50 % read, for your contacts, found by words'
    )
    expect(shareLine({ ...shareView, readFiles: 1, audience: { is: 'lan' } })).toContain(
      "1 can't be read, for contacts on your LAN"
    )
    expect(shareLine({ ...shareView, files: 0, readFiles: 0, why: 'it is gone' })).toContain('no files seen yet, for')
  })

  test('nobody who could be asked is not the same as nothing found', () => {
    const none = { words: ['plan'], files: [], hasMore: false }
    expect(searchLines({ ...none, asked: 0, silent: 0 })).toEqual([
      'No contact of yours is online: nobody could be asked.'
    ])
    expect(searchLines({ ...none, asked: 1, silent: 2 })).toEqual([
      'Nothing found for plan (1 contact asked, 2 did not answer).'
    ])
  })

  test('a word that was quoted is read back as it was', () => {
    for (const word of ['', 'a b', "it's", 'a"b', '\\', '/srv/x', 'ü'])
      expect(quotedWords(quotedWord(word))).toEqual([word])
  })
})
