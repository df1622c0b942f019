import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { findCommand } from '../../../src/cli/chat-commands/chat-commands.ts'
import type { ConversationSummary, HistoryEntry, StoredMessage } from '../../../src/cli/chat-api/chat-api.ts'
import type { CommandArguments, CommandContext, CommandResult } from '../../../src/cli/chat-commands/chat-command.ts'
import { argumentsFromJson } from '../../../src/cli/chat-commands/command-arguments.ts'
import { MAX_PAGE_BYTES } from '../../../src/cli/chat-commands/chat-command.ts'
import { entryText, writeEntries } from '../../../src/cli/commands/history.ts'
import { entryJson } from '../../../src/cli/json/event-json.ts'
import { Pipe, MAX_PIPED_MESSAGE_LINES } from '../../../src/cli/plain/pipe.ts'
import { PlainFace } from '../../../src/cli/plain/plain-face.ts'
import { SHOW_LOOK_MESSAGES } from '../../../src/cli/chat-commands/history-commands.ts'
import { historyLine } from '../../../src/cli/wording/message-wording.ts'
import { rosterLine } from '../../../src/cli/wording/roster-wording.ts'
import { FakeNode, incoming, outgoing, row } from '../fake-node.ts'

const bob = '12D3KooWbob'
const maxBytes = MAX_PAGE_BYTES

function command(name: string) {
  const found = findCommand(name)
  if (found === undefined) throw new Error(`no command ${name}`)
  return found
}

async function run(
  node: FakeNode,
  name: string,
  args: CommandArguments = {},
  place: Partial<CommandContext> = {}
): Promise<CommandResult> {
  const resolve = async (words: readonly string[]) => node.resolve(words)
  return command(name).run({ node, current: undefined, resolve, ...place }, args)
}

function entries(...messages: readonly StoredMessage[]): HistoryEntry[] {
  return messages.map((message, index) => ({ position: 10 + index, message }))
}

describe('pages of a conversation', () => {
  it('are of the open conversation, and /more goes on before what is shown', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const page = vi.spyOn(node.history, 'page')
    await run(node, 'more', {}, { current: bob, shownFrom: 31 })
    await run(node, 'history', {}, { current: bob, shownFrom: 31 })
    await run(node, 'more', { peer: ['bob'] }, { current: bob, shownFrom: 31 })
    await run(node, 'log', { peer: ['bob'], after: 7, limit: 3 })
    expect(page.mock.calls).toEqual([
      [bob, { limit: 20, maxBytes, before: 31 }],
      [bob, { limit: 20, maxBytes }],
      [bob, { limit: 20, maxBytes }],
      [bob, { limit: 3, maxBytes, after: 7 }]
    ])
    await expect(run(node, 'more')).rejects.toThrow('no conversation is open')
  })

  it('of all conversations end at the limit, and where a page is full', async () => {
    const node = new FakeNode()
    node.stored.push(outgoing('one', 'delivered'), incoming('two'), incoming('three'), incoming('four'))
    const asked = vi.spyOn(node.history, 'news')
    const result = await run(node, 'log', { after: 0, limit: 3 })
    expect(asked).toHaveBeenCalledWith({ after: 0, limit: 3, maxBytes })
    expect(result).toMatchObject({ is: 'messages', entries: [{}, {}, { message: { text: 'three' } }] })
  })
})

describe('a long message', () => {
  const long = (name: string): string => `${name} ${'x'.repeat(300)}`
  const node = new FakeNode()
  node.rows = [row('bob')]

  it('is shown whole: the last one, or the last but some', async () => {
    const page = vi
      .spyOn(node.history, 'page')
      .mockResolvedValue(
        entries(incoming(long('one')), incoming('\n'.repeat(9)), incoming('short'), incoming(long('two')))
      )
    const texts: string[] = []
    for (const nth of ['', '2', '3']) {
      const result = await run(node, 'show', nth === '' ? {} : { text: nth }, { current: bob })
      texts.push(result.is === 'message text' ? result.message.text : '')
    }
    expect(texts).toEqual([long('two'), '\n'.repeat(9), long('one')])
    expect(page).toHaveBeenCalledWith(bob, { limit: SHOW_LOOK_MESSAGES })
    await expect(run(node, 'show', { text: '4' }, { current: bob })).rejects.toThrow('less than 4 of the last 200')
    await expect(run(node, 'show', { text: 'x' }, { current: bob })).rejects.toThrow('N is a number from 1')
    await expect(run(node, 'show')).rejects.toThrow('no conversation is open')
  })
})

describe('the fields of a program', () => {
  it('are taken by the commands that have them and by no others', () => {
    const fields = { peer: 'bob', before: 9, limit: 5, ids: ['a'] }
    expect(argumentsFromJson(command('history'), fields)).toEqual({ peer: ['bob'], before: 9, limit: 5 })
    expect(argumentsFromJson(command('retry'), fields)).toEqual({ peer: ['bob'], ids: ['a'] })
    expect(argumentsFromJson(command('who'), { before: 'x' })).toEqual({})
  })

  it.each([
    [{ before: -1 }, '"before" must be a whole number from 0'],
    [{ before: 1.5 }, '"before" must be'],
    [{ after: '7' }, '"after" must be'],
    [{ limit: 1001 }, '"limit" must be a whole number from 0 to 1000'],
    [{ before: 1, after: 2 }, 'give "before" or "after", not both']
  ])('are refused when they are %j', (fields, message) => {
    expect(() => argumentsFromJson(command('log'), fields)).toThrow(message)
  })

  it('name messages by a list of IDs', () => {
    for (const ids of ['a', [1], Array.from({ length: 1001 }, () => 'a')]) {
      expect(() => argumentsFromJson(command('cancel'), { peer: 'bob', ids })).toThrow('"ids" must be a list')
    }
  })
})

describe('a message in a list', () => {
  const format = { asJson: false, name: () => 'b\u001B[2Job' }

  it('shows its time, its direction and its mark, and can not act on a terminal or pass for another line', () => {
    const [line = '', ...more] = entryText(
      { position: 1, message: incoming('hi\u0007\n2026-11-22 → you: fake') },
      format
    ).split('\n')
    expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}← b␛\[2Job: hi␇$/u)
    expect(more).toEqual(['    | 2026-11-22 → you: fake'])
  })

  it.each([
    [outgoing('x', 'pending'), '    (waiting)'],
    [outgoing('x', 'held'), '    (held as a request until the other side accepts it)'],
    [outgoing('x', 'unconfirmed'), '    (sent, not confirmed)'],
    [{ ...outgoing('x', 'failed'), reason: 'too old' }, '    (not delivered: too old)'],
    [{ ...outgoing('x', 'delivered'), seenAtMs: 5 }, '    (seen)'],
    [outgoing('x', 'delivered'), undefined]
  ])('has the mark of its state in the chat and outside', (message, mark) => {
    expect(historyLine(message, 'bob')[1]).toBe(mark)
    expect(entryText({ position: 1, message }, format).split('\n')[1]).toBe(mark)
  })

  it('is an object with its position in JSON', () => {
    const message = { ...outgoing('x', 'failed'), reason: 'too old' }
    expect(entryJson({ position: 7, message }, 'bob')).toEqual({
      position: 7,
      peer: bob,
      name: 'bob',
      id: message.id,
      direction: 'out',
      state: 'failed',
      reason: 'too old',
      seenAtMs: null,
      text: 'x',
      replyTo: null,
      files: [],
      sentAtMs: 0,
      storedAtMs: 0,
      log: '0'.repeat(16),
      seq: 1
    })
  })

  it('is not written before there is room for it', async () => {
    const output = new PassThrough({ highWaterMark: 10 })
    const end = new AbortController()
    const many = Array.from({ length: 50 }, () => ({ position: 1, message: incoming('x'.repeat(100)) }))
    const written = writeEntries(output, many, format, end.signal)
    await new Promise((resolve) => setImmediate(resolve))
    expect(output.readableLength + output.writableLength).toBeLessThan(500)
    output.resume()
    await written
    end.abort(new Error('the reader has gone'))
    await expect(writeEntries(output, many, format, end.signal)).rejects.toThrow('the reader has gone')
  })
})

describe('the plain face', () => {
  function chat(node: FakeNode, lines: readonly string[]) {
    const input = new PassThrough()
    const output = new PassThrough()
    let written = ''
    output.on('data', (chunk: Buffer) => (written += chunk.toString()))
    const face = new PlainFace({ node, terminal: new Pipe(input, output) })
    input.end(lines.map((line) => `${line}\n`).join(''))
    return face.run().then(() => written)
  }

  it('pages back from what it has shown', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const page = vi.spyOn(node.history, 'page').mockImplementation(async (_peer, { before = 100 }) => {
      if (before <= 80) return []
      return [before - 10, before - 5].map((position) => ({ position, message: incoming(`at ${position}`) }))
    })
    const written = await chat(node, ['bob', '/more', '/more', '/more', 'QUIT'])
    expect(page.mock.calls.map(([, { before }]) => before)).toEqual([undefined, 90, 80, 80])
    expect(written.match(/at \d+/gu)).toEqual(['at 90', 'at 95', 'at 80', 'at 85'])
    expect(written).toContain('No earlier messages with bob.')
  })

  it('deletes a history only when it was told twice in a row', async () => {
    const node = new FakeNode()
    node.rows = [row('bob'), row('carol')]
    const forget = vi.spyOn(node.history, 'forget').mockResolvedValue(3)
    const lines = ['/forget bob', '/forget carol', '/who', '/forget carol', '/forget bob', '/forget bob', 'QUIT']
    const written = await chat(node, lines)
    expect(forget.mock.calls).toEqual([[bob]])
    expect(written).toContain('Type /forget bob again to do it.')
    expect(written).toContain('3 messages with bob are deleted here.')
  })

  it('shows what is unread in the list of peers and in that of conversations', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const last = { position: 4, message: incoming('latest') }
    const summary: ConversationSummary = { peer: bob, unread: 3, last }
    vi.spyOn(node.history, 'conversations').mockResolvedValue([summary])
    const written = await chat(node, ['/chats', 'QUIT'])
    expect(written).toMatch(/^ {2}1 {2}bob +bobID .* LAN {2}\[3 unread\]$/mu)
    expect(written).toMatch(/^ {2}1 {2}bob {2}\[3 unread\] {2}\d{4}-.* ← "latest"$/mu)
    expect(rosterLine(row('bob'), 1)).not.toContain('unread')
  })

  it('numbers what it has found, with the peer of each', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const search = vi.spyOn(node.history, 'search').mockResolvedValue(entries(incoming('a red\nbuild')))
    const written = await chat(node, ['/search "red build"', 'QUIT'])
    expect(search).toHaveBeenCalledWith('"red build"', { limit: 50, maxBytes })
    expect(written).toMatch(/^ {2}1 {2}\S+ \S+ {2}← bob: a red\n {9}\| build$/mu)
  })

  it('cuts a long message, and prints it to its last line by /show', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const text = Array.from({ length: 300 }, (_, at) => `line ${at}`).join('\n')
    vi.spyOn(node.history, 'page').mockResolvedValue(entries(incoming(text)))
    const written = (await chat(node, ['bob', '/show', 'QUIT'])).split('\n')
    const cut = written.findIndex((line) => line.endsWith('100 more lines of this message: /show'))
    expect(written.slice(0, cut).filter((line) => line.includes('| line '))).toHaveLength(MAX_PIPED_MESSAGE_LINES - 1)
    expect(written.slice(cut)).toContain('    | line 299')
  })

  it('counts what still waits when it ends', async () => {
    const node = new FakeNode()
    const waiting = vi.spyOn(node.history, 'waiting')
    waiting.mockResolvedValue({ peers: 1, messages: 1, isAll: true })
    expect(await chat(node, ['QUIT'])).toContain('One message is waiting, to be sent the next time')
    waiting.mockResolvedValue({ peers: 2, messages: 1000, isAll: false })
    expect(await chat(node, ['QUIT'])).toContain('More than 1000 messages are waiting, to be sent the next time')
  })
})
