import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { argumentsFromJson, argumentsFromLine } from '../../../src/cli/chat-commands/command-arguments.ts'
import { fileCommands } from '../../../src/cli/chat-commands/file-commands.ts'
import { transferLine, transferNewsText, transferResultText } from '../../../src/cli/wording/transfer-wording.ts'
import { FakeNode, row, transfer } from '../fake-node.ts'

const command = (name: string) => {
  const found = fileCommands.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no command ${name}`)
  return found
}

const sendCommand = command('send')

function nodeNearBob(): FakeNode {
  const node = new FakeNode()
  node.rows = [row('bob')]
  return node
}

function typed(node: FakeNode, line: string) {
  const resolve = async (words: readonly string[]) => node.resolve(words)
  return sendCommand.run({ node, current: 'bob', resolve }, argumentsFromLine(sendCommand, line))
}

function given(node: FakeNode, fields: Readonly<Record<string, unknown>>) {
  const resolve = async (words: readonly string[]) => node.resolve(words)
  return sendCommand.run({ node, current: undefined, resolve }, argumentsFromJson(sendCommand, fields))
}

async function ownFile(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-own-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, name), 'x')
  return join(folder, name)
}

test('/send offers what is at the paths, also at one whose spaces were typed as they are', async () => {
  const node = nodeNearBob()
  const [one, spaced] = [await ownFile('one.jpg'), await ownFile('my photo.jpg')]
  await typed(node, `${one} '${spaced}'`)
  await typed(node, spaced)
  expect(node.calls).toEqual([
    `send bob ${JSON.stringify(`Files: ${one}, ${spaced}`)}`,
    `send bob ${JSON.stringify(`Files: ${spaced}`)}`
  ])
})

test('/send NAME TEXT sends nothing, and says how to write to a person', async () => {
  const node = nodeNearBob()
  const name = 'bob'
  await expect(typed(node, `${name} see you`)).rejects.toThrow(`To write to a person: /msg ${name} see you`)
  await expect(typed(node, '/nowhere/photo.jpg')).rejects.toThrow(
    '"/nowhere/photo.jpg" can\'t be sent: there is no such file'
  )
  await expect(typed(node, '/nowhere/my photo.jpg')).rejects.toThrow('quotes: /send "/nowhere/my photo.jpg"')
  expect(node.calls).toEqual([])
})

test('a program sends a text, files, or both, always to a peer that it names', async () => {
  const node = nodeNearBob()
  const path = await ownFile('one.jpg')
  await given(node, { peer: 'bob', text: 'hello' })
  await given(node, { peer: 'bob', files: [path] })
  expect(node.calls.filter((call) => call.startsWith('send'))).toEqual([
    'send bob "hello"',
    `send bob ${JSON.stringify(`Files: ${path}`)}`
  ])
  await expect(given(node, { text: 'hello' })).rejects.toThrow('"peer" is missing')
  await expect(given(node, { peer: 'bob' })).rejects.toThrow('"text" or "files" is missing')
  expect(() => argumentsFromJson(sendCommand, { peer: 'bob', files: path })).toThrow('"files" must be a list')
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
  expect(
    transferNewsText({ what: 'done', transfer: { ...transfer, path: '/d/photo.jpg' }, servedBy: ['bob', 'ca\nrol'] })
  ).toBe('photo␤.jpg (3 MiB) from bob and ca␤rol is here: /d/photo.jpg')
  expect(transferNewsText({ what: 'failed', transfer: { ...transfer, why: 'it is gone' } })).toBe(
    'photo␤.jpg (3 MiB) from bob was not fetched: it is gone. /get 12 tries again.'
  )
  expect(transferNewsText({ what: 'wrong-source', transfer, source: { peer: 'x', label: 'mal\nlory' } })).toBe(
    'mal␤lory sent something else than photo␤.jpg (3 MiB). None of it was kept, and mal␤lory is not asked for it any more.'
  )
  expect(transferNewsText({ what: 'progress', transfer })).toBeUndefined()
  expect(transferResultText({ ...transfer, state: 'declined' })).toBe(
    'photo␤.jpg (3 MiB) is not fetched. /get 12 takes that back.'
  )
})
