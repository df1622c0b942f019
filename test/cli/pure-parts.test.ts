import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { chatCommands, findCommand, noCommandText } from '../../src/cli/chat-commands/chat-commands.ts'
import { argumentsFromJson, argumentsFromLine, usageOf } from '../../src/cli/chat-commands/command-arguments.ts'
import { readLines, type InputLine } from '../../src/cli/process/input-lines.ts'
import {
  directoryCounts,
  directoryLines,
  noDirectoryText,
  DirectoryNews
} from '../../src/cli/wording/directory-wording.ts'
import { directoryJson, rowJson } from '../../src/cli/json/event-json.ts'
import { ProgressLine } from '../../src/cli/process/progress-line.ts'
import { RefusalNews, ConnectionProgress } from '../../src/cli/wording/conversation-news.ts'
import { MAX_NUMBERED_PEERS, RosterNumbers } from '../../src/cli/chat-commands/named-peer.ts'
import { MAX_ROSTER_ROWS, programLines, rosterLine } from '../../src/cli/wording/roster-wording.ts'
import { messageLines, requestLine } from '../../src/cli/wording/message-wording.ts'
import { completeLine } from '../../src/cli/chat-commands/completion.ts'
import { DeliveryMarks, SentElsewhere } from '../../src/cli/plain/own-messages.ts'
import { addressesForOthers, greetingLines, reachableAt } from '../../src/cli/wording/identity-wording.ts'
import { RosterView } from '../../src/cli/plain/roster-view.ts'
import type { DirectoryView } from '../../src/cli/chat-api/chat-api.ts'
import { FakeNode, outgoing, row } from './fake-node.ts'

function command(name: string) {
  const found = findCommand(name)
  if (found === undefined) throw new Error(`no command ${name}`)
  return found
}

describe('the table of commands', () => {
  it('suggests the command that was meant', () => {
    expect(noCommandText('serach')).toContain('lists them. Did you mean /search?')
    expect(noCommandText('stat')).toContain('Did you mean /status?')
    expect(noCommandText('them', ['theme'])).toContain('Did you mean /theme?')
    expect(noCommandText('xyzzy')).toBe(
      'There is no command /xyzzy: /help lists them. // sends a text that begins with /.'
    )
  })

  it('names each command and alias once', () => {
    const names = chatCommands.flatMap(({ name, aliases }) => [name, ...aliases])
    expect(names).toEqual([...new Set(names)])
  })

  it('keeps the text of /msg as it was typed and takes a quoted name', () => {
    expect(argumentsFromLine(command('msg'), '"bob b" two  spaces')).toEqual({ peer: ['bob b'], text: 'two  spaces' })
  })

  it('gives /chat a host and a port as two words', () => {
    expect(argumentsFromLine(command('chat'), '127.0.0.1 4001')).toEqual({ peer: ['127.0.0.1', '4001'] })
  })

  it('says what is missing and what is too much', () => {
    expect(() => argumentsFromLine(command('msg'), 'bob')).toThrow('TEXT is missing: /msg PEER TEXT')
    expect(() => argumentsFromLine(command('who'), 'is there')).toThrow('/who takes nothing more')
    expect(() => argumentsFromJson(command('send'), { peer: 7, text: 'x' })).toThrow('"peer" must be')
    expect(usageOf(command('exit'))).toBe('/exit [PEER]')
  })
})

describe('refusals of a peer', () => {
  it('are said once until the messages are sent again, each reason and peer for itself', () => {
    const news = new RefusalNews()
    const refusal = { peer: 'anna', name: 'anna', reason: 'takes no more messages for now', retryAfterMs: 300_000 }
    const text = 'anna takes no more messages for now. Your messages will be sent again in 300 s.'
    expect(news.line(refusal, 0)).toBe(text)
    expect(news.line(refusal, 1)).toBeUndefined()
    expect(news.line({ ...refusal, reason: 'does not take this' }, 1)).toContain('does not take this')
    expect(news.line({ ...refusal, peer: 'bob', name: 'bob' }, 1)).toContain('bob takes')
    expect(news.line(refusal, 300_000)).toBe(text)
  })
})

describe('a line of progress', () => {
  it('is never wider than the terminal, which could not write over it', () => {
    const output = Object.assign(new PassThrough(), { isTTY: true, columns: 40 })
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const progress = new ProgressLine(output)
      vi.advanceTimersByTime(1_000)
      progress.show('Writing /home/anna/backups/of/the/year/anna.age', 87, 100)
    } finally {
      vi.useRealTimers()
    }
    const [line = ''] = String(output.read())
      .split('\r')
      .filter((part) => part !== '')
    expect(line.length).toBeLessThan(40)
    expect(line).toMatch(/^….*anna\.age: 87 % \(Ctrl-C stops it\)$/u)
  })
})

describe('lines from a pipe', () => {
  const collect = async (chunks: (string | Uint8Array)[], maxBytes = 100): Promise<InputLine[]> => {
    const lines: InputLine[] = []
    for await (const line of readLines(Readable.from(chunks, { objectMode: true }), { maxBytes })) lines.push(line)
    return lines
  }

  it('come whole however they were cut, with and without a last line feed', async () => {
    const bytes = Buffer.from('grüße\r\n\nzwei')
    const cut = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
    const expected = ['grüße', '', 'zwei'].map((text) => ({ is: 'line', text }))
    expect(await collect(cut)).toEqual(expected)
    expect(await collect([bytes])).toEqual(expected)
  })

  it('are read without a byte order mark before the first, and with any other', async () => {
    const bytes = Buffer.from('\ufeff{"do":"who"}\n\ufeffa')
    const cut = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
    const expected = ['{"do":"who"}', '\ufeffa'].map((text) => ({ is: 'line', text }))
    expect(await collect(cut)).toEqual(expected)
    expect(await collect([bytes])).toEqual(expected)
  })

  it('are skipped and told when they are too long, and the next one is read', async () => {
    expect(await collect(['x'.repeat(60), `${'x'.repeat(60)}\nnext\n`])).toEqual([
      { is: 'too long', limitBytes: 100 },
      { is: 'line', text: 'next' }
    ])
  })
})

describe('roster numbers', () => {
  it('stay with their peers and are never given to another', () => {
    const numbers = new RosterNumbers()
    const view = new RosterView(numbers)
    view.all([row('bob'), row('carol')])
    view.changes([row('carol')])
    const [line] = view.changes([row('anna'), row('carol')])
    expect(line).toContain('  3  anna')
    expect(numbers.of('12D3KooWbob')).toBe(1)
    expect(numbers.of('12D3KooWcarol')).toBe(2)
  })

  it('are kept for so many peers and no more, however many strangers come and go', () => {
    const numbers = new RosterNumbers()
    for (let i = 1; i <= MAX_NUMBERED_PEERS + 5; i++) expect(numbers.of(`stranger ${i}`)).toBe(i)
    expect(numbers.peers.filter(() => true)).toHaveLength(MAX_NUMBERED_PEERS)
    expect(numbers.peers[0]).toBeUndefined()
    expect(numbers.peers[MAX_NUMBERED_PEERS]).toBe(`stranger ${MAX_NUMBERED_PEERS + 1}`)
    expect(numbers.of('stranger 1')).toBe(MAX_NUMBERED_PEERS + 6)
  })
})

describe('changes of the roster', () => {
  it('report peers that came, left or changed their name, and no changes of paths', () => {
    const view = new RosterView(new RosterNumbers())
    expect(view.all([])).toEqual(['Nobody else is online.'])
    expect(view.changes([row('bob')])[0]).toBe('Online (1):')
    expect(view.changes([row('bob', { path: 'direct' })])).toEqual([])
    expect(view.changes([row('bob', { nickname: 'bobby' })])).toHaveLength(1)
    expect(view.changes([])).toEqual(['  - 1  bobby (bobID) has gone.', 'Nobody else is online.'])
  })

  it('show the whole list when many come at once', () => {
    const view = new RosterView(new RosterNumbers())
    view.all([row('bob')])
    const many = ['bob', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => row(name))
    expect(view.changes(many)[0]).toBe('Online (7):')
  })

  const owner = { peer: 'bobs', name: 'bob', shortId: 'bobsID', verified: false, own: false }

  it('show name, short ID, host, port and path, and mark a peer that only looks like a contact', () => {
    const line = rosterLine(row('bob', { sameNameAs: owner }), 2)
    expect(line).toMatch(
      /^ {2}2 {2}bob +bobID +192\.168\.1\.7 +4001 +LAN {2}! not your contact bob \(bobsID\): another key/
    )
    const verified = rosterLine(row('bob', { sameNameAs: { ...owner, verified: true } }), 2)
    expect(verified).toMatch(/ {2}! not your verified contact bob \(bobsID\): another key$/)
    expect(rosterLine(row('bob', { sameNameAs: { ...owner, own: true } }), 2)).toMatch(/ {2}! not you: another key$/)
    const nameless = rosterLine(row('BmAwcd4PJNJv', { isNameless: true, shortId: 'BmAwcd4PJNJv' }), 2)
    expect(nameless).toMatch(/^ {2}2 {2}BmAwcd4PJNJv +BmAwcd4PJNJv .* {2}! has no name that can be shown$/)
  })

  it("mark verified and blocked peers in words, and report a peer that begins to use another's name", () => {
    expect(rosterLine(row('bob', { verified: true, status: 'in' }), 2)).toMatch(/LAN {2}\[verified\] {2}in$/)
    expect(rosterLine(row('bob', { blocked: true }), 2)).toMatch(/LAN {2}\[blocked\]$/)
    expect(rosterLine(row('bob', { dialect: 'lines' }), 2)).toMatch(/LAN {2}\(another program, no receipts\)$/)
    expect(rosterLine(row('bob', { path: 'direct', rttMs: 34 }), 2)).toMatch(/4001 +direct 34 ms$/)
    const away = row('bob', { sources: ['D'], why: 'nothing listens at 1.2.3.4:5' })
    expect(rosterLine(away, 2)).toMatch(/directory {2}\(unreachable: nothing listens at 1\.2\.3\.4:5\)$/)
    const view = new RosterView(new RosterNumbers())
    view.all([row('bob')])
    expect(view.changes([row('bob', { sameNameAs: owner })])).toHaveLength(1)
  })
})

describe('the roster as it is seen from outside', () => {
  it("marks the user's own row, and stays in 40 columns where there are no more", () => {
    const options = { outside: true, own: '12D3KooWanna' }
    const wide = new RosterView(new RosterNumbers(), options).all([row('anna'), row('bob')])
    expect(wide[2]).toMatch(/ LAN {2}\(you\)$/u)
    expect(wide[3]).not.toContain('you')
    const view = new RosterView(new RosterNumbers(), { ...options, columns: () => 40 })
    const lines = view.all([row('anna'), row('bob', { path: 'direct', rttMs: 34 })])
    expect(lines).toEqual([
      'Online (2):',
      'No.  Name             ID',
      '     Host            Port   Path',
      '  1  anna             annaID       (you)',
      '     192.168.1.7     4001   LAN',
      '  2  bob              bobID',
      '     192.168.1.7     4001   direct 34 ms'
    ])
    const hostile = view.changes([row('bob', { nickname: 'b\n  9  anna', status: 'x\n  8  carl' })])
    expect(hostile).toHaveLength(3)
  })
})

describe('the columns of the roster', () => {
  it('follow the width that the terminal has now', () => {
    let columns: number | undefined
    const view = new RosterView(new RosterNumbers(), { columns: () => columns })
    const rowsShown = [undefined, 40, 140].map((width) => {
      columns = width
      return view.all([row('bob')]).length
    })
    expect(rowsShown).toEqual([3, 5, 3])
  })

  it('stand below each other also after names with wide and combined characters', () => {
    const column = (nickname: string): number => {
      const [before = ''] = rosterLine(row(nickname, { shortId: 'ID' }), 1).split(' ID ')
      return before.length
    }
    expect(column('bob')).toBe(21)
    expect(column('日本 太郎')).toBe(21 - 4)
    expect(column('e\u0301va')).toBe(21 + 1)
    expect(column('👍🏽')).toBe(21 + 2)
  })
})

describe('text of others', () => {
  it('can not pass for another message or a prompt by its line breaks', () => {
    expect(messageLines('bob', 'hi\nYou: yes')).toEqual(['bob: hi', '    | You: yes'])
    expect(messageLines('b\nc', 'x')).toEqual(['b␤c: x'])
  })

  it('is one line in a request, with the three answers', () => {
    const line = requestLine({ peer: 'p', name: 'mal', shortId: 'malID', lastText: 'a\nb', count: 2 }, 3)
    expect(line).toBe('REQUEST from mal (malID), 2 messages: a␤b — /read 3, /ignore 3, /block 3')
  })
})

describe('delivery marks', () => {
  const here = (): string => ''

  it('say nothing of a message that is delivered at once', () => {
    const marks = new DeliveryMarks()
    const message = outgoing('hi', 'pending')
    marks.sending()
    marks.sent(message, 0)
    marks.changed({ ...message, state: 'delivered' }, 100)
    expect(marks.due(1000, here, here)).toEqual([])
    expect(marks.nextDueMs()).toBeUndefined()
  })

  it('say that a message waits after half a second, why, and that it has arrived', () => {
    const marks = new DeliveryMarks()
    const message = outgoing('hi', 'pending')
    marks.sending()
    marks.sent(message, 0)
    expect(marks.due(499, here, here)).toEqual([])
    expect(marks.nextDueMs()).toBe(500)
    expect(marks.due(500, here, () => 'no answer')).toEqual(['  … waiting: "hi" — no answer'])
    expect(marks.due(900, here, here)).toEqual([])
    marks.changed({ ...message, state: 'delivered' }, 2000)
    expect(marks.due(2150, here, here)).toEqual(['  ✓ delivered: "hi"'])
    expect(marks.pending()).toEqual([])
  })

  it('tell many of one fate in one line', () => {
    const marks = new DeliveryMarks()
    for (const text of ['a', 'b', 'c']) {
      marks.sending()
      marks.sent(outgoing(text, 'unconfirmed'), 0)
    }
    expect(marks.due(150, () => 'bob', here)).toEqual(['  … sent, not confirmed (bob): 3 messages'])
  })

  it('know a change that came before the message was known', () => {
    const marks = new DeliveryMarks()
    const message = outgoing('hi', 'pending')
    marks.sending()
    marks.changed({ ...message, state: 'delivered' }, 0)
    marks.sent(message, 1)
    expect(marks.due(1000, here, here)).toEqual([])
    expect(marks.pending()).toEqual([])
  })

  it('tell that a message of an earlier session has arrived', () => {
    const marks = new DeliveryMarks()
    marks.changed(outgoing('old', 'delivered'), 0)
    expect(marks.due(150, () => 'bob', here)).toEqual(['  ✓ delivered (bob): "old"'])
  })

  it('say that a message was seen, also when that comes with its receipt', () => {
    const marks = new DeliveryMarks()
    const message = outgoing('hi', 'pending')
    marks.sending()
    marks.sent(message, 0)
    marks.changed({ ...message, state: 'delivered', seenAtMs: 90 }, 100)
    expect(marks.due(1000, here, here)).toEqual(['  ✓ seen: "hi"'])
    const old = outgoing('from before', 'delivered')
    marks.changed({ ...old, seenAtMs: 2000 }, 2000)
    expect(marks.due(2500, here, here)).toEqual(['  ✓ seen: "from before"'])
  })

  it('follow a message of another command like a typed one, even if it arrived before it was reported', () => {
    const marks = new DeliveryMarks()
    const [quick, slow] = [outgoing('quick', 'pending'), outgoing('slow', 'pending')]
    marks.changed({ ...quick, state: 'delivered' }, 0)
    marks.follow(quick, 1)
    expect(marks.due(1000, here, here)).toEqual([])
    marks.follow(slow, 0)
    expect(marks.due(500, here, here)).toEqual(['  … waiting: "slow"'])
    expect(marks.pending()).toEqual([slow])
  })
})

describe('what another command has sent', () => {
  it('is reported at once while nothing is sent here', () => {
    const message = outgoing('hi', 'pending')
    expect(new SentElsewhere().told(message)).toEqual([message])
  })

  it('is distinguished from a message sent here at the same time, once that has its ID', () => {
    const elsewhere = new SentElsewhere()
    const [own, failed, others] = [outgoing('own', 'pending'), undefined, outgoing('others', 'pending')]
    elsewhere.sending()
    elsewhere.sending()
    expect([own, others].flatMap((message) => elsewhere.told(message))).toEqual([])
    expect(elsewhere.sent(own)).toEqual([])
    expect(elsewhere.sent(failed)).toEqual([others])
    expect(elsewhere.told(outgoing('next', 'pending'))).toHaveLength(1)
  })
})

describe('the way to the peer', () => {
  it('is reported once per reason, counted meanwhile, and reported on arrival', () => {
    const progress = new ConnectionProgress('bob')
    expect(progress.changed({ name: 'connecting' }, 0)).toEqual([])
    expect(progress.status(100)).toBeUndefined()
    expect(progress.status(2100)).toBe('connecting to bob … 2 s')
    expect(progress.lateLines(2100)).toEqual(['Connecting to bob …'])
    expect(progress.lateLines(3100)).toEqual([])
    const waiting = { name: 'waiting', why: 'refused', retryAtMs: 8000 } as const
    expect(progress.changed(waiting, 3000)[0]).toBe('Cannot reach bob at the moment: refused.')
    expect(progress.status(4000)).toBe('waiting for bob, next try in 4 s')
    expect(progress.changed({ name: 'connecting' }, 8000)).toEqual([])
    expect(progress.changed(waiting, 9000)).toEqual([])
    const open = { name: 'open', dialect: 'parley', path: 'lan' } as const
    expect(progress.changed(open, 9500)).toEqual(['Connected to bob over the local network.'])
    const measured = new ConnectionProgress('bob').changed({ ...open, path: 'direct', rttMs: 34 }, 9500)
    expect(measured).toEqual(['Connected to bob directly, 34 ms.'])
    expect(progress.status(9600)).toBeUndefined()
    expect(progress.changed(waiting, 9700)).toHaveLength(2)
  })

  it('is not promised at a time while no address of the peer is known', () => {
    const progress = new ConnectionProgress('bob')
    progress.changed({ name: 'waiting', why: 'no address is known', retryAtMs: 8000, lacksAddress: true }, 3000)
    expect(progress.status(4000)).toBe('waiting for bob: no address is known')
  })

  it('is not news when the peer has said goodbye, until it is back', () => {
    const progress = new ConnectionProgress('bob')
    progress.goneAway()
    const waiting = { name: 'waiting', why: 'refused', retryAtMs: 8000 } as const
    expect(progress.changed(waiting, 0)).toEqual([])
    expect(progress.status(4000)).toBe('waiting for bob, next try in 4 s')
    progress.changed({ name: 'open', dialect: 'parley', path: 'lan' }, 5000)
    expect(progress.changed(waiting, 6000)[0]).toBe('Lost the connection to bob: refused.')
  })

  it('says once why a peer is not reached, whichever of its addresses has failed last', () => {
    const progress = new ConnectionProgress('anna')
    const waiting = (why: string) => ({ name: 'waiting', why, retryAtMs: 8000 }) as const
    const told = ['nothing listens at 10.0.0.2:4000', 'nothing listens at [fe80::1%eth0]:4000'].flatMap((why) => [
      ...progress.changed(waiting(why), 0),
      ...progress.changed({ name: 'connecting' }, 1000)
    ])
    expect(told).toEqual([
      'Cannot reach anna at the moment: nothing listens at 10.0.0.2:4000.',
      'Parley keeps trying; what you write is sent once it is connected.'
    ])
  })

  it('says why the peer is not reached after the loss of its connection, once', () => {
    const progress = new ConnectionProgress('anna')
    progress.changed({ name: 'open', dialect: 'parley', path: 'lan' }, 0)
    const whys = ['the connection was lost', 'refused', 'no answer', 'refused']
    const told = whys.flatMap((why) => progress.changed({ name: 'waiting', why, retryAtMs: 8000 }, 1000))
    expect(told).toEqual([
      'Lost the connection to anna.',
      'Parley keeps trying; what you write is sent once it is connected.',
      'Cannot reach anna at the moment: refused.'
    ])
  })

  it('does not report again a connection whose loss was no news', () => {
    const progress = new ConnectionProgress('anna')
    const open = { name: 'open', dialect: 'parley', path: 'lan' } as const
    progress.changed(open, 0)
    progress.changed({ name: 'connecting' }, 1000)
    expect(progress.changed(open, 1100)).toEqual([])
    progress.goneAway()
    progress.changed({ name: 'waiting', why: 'refused', retryAtMs: 8000 }, 2000)
    expect(progress.changed(open, 3000)).toEqual(['Connected to anna over the local network.'])
  })

  it('says what a plain dialect can not promise', () => {
    const lines = new ConnectionProgress('go').changed({ name: 'open', dialect: 'lines', path: 'direct' }, 0)
    expect(lines[1]).toContain('not confirmed')
  })
})

describe('directories', () => {
  const view = (fields: Partial<DirectoryView>): DirectoryView => ({
    address: '127.0.0.1:8000',
    peer: undefined,
    state: 'connected',
    isDefault: true,
    isDown: false,
    ...fields
  })

  it('are named at the start, and default ones that are absent are not', () => {
    const absent = view({ address: '127.0.0.1:8001', state: 'waiting' })
    expect(new DirectoryNews().summary([view({}), absent], { hasLan: true }, 0)).toEqual([
      'Connected to the directory 127.0.0.1:8000.'
    ])
    expect(new DirectoryNews().summary([absent], { hasLan: true }, 0)).toEqual([
      'No directory is connected: you see only peers on the local network.'
    ])
    expect(new DirectoryNews().summary([absent], { hasLan: false }, 0).join(' ')).toContain('parley directory')
    for (const hasLan of [true, false]) {
      const text = new DirectoryNews().summary([absent], { hasLan, hasRelays: true }, 0).join(' ')
      expect(text).toContain('type the peer ID of someone who names it too')
      expect(text).not.toContain('parley directory')
    }
    expect(
      new DirectoryNews().summary(
        [view({ state: 'waiting', isDefault: false, why: 'refused' })],
        { hasLan: true },
        0
      )[0]
    ).toBe('The directory 127.0.0.1:8000 is not connected: refused.')
  })

  it('of which one is being connected at the start are not called missing until it fails', () => {
    for (const hasLan of [true, false]) {
      const news = new DirectoryNews()
      const connecting = view({ state: 'connecting', isDefault: false })
      expect(news.summary([connecting], { hasLan }, 0)).toEqual(['Connecting to the directory 127.0.0.1:8000 …'])
      const failed = view({ state: 'waiting', isDefault: false, why: 'refused' })
      expect(news.changed(failed, 0)).toEqual(['The directory 127.0.0.1:8000 is not connected: refused.'])
      expect(news.changed(view({ isDefault: false }), 0)).toEqual(['Connected to the directory 127.0.0.1:8000.'])
    }
  })

  it('are reported when lost and when back, and not at each try between', () => {
    const news = new DirectoryNews()
    news.summary([view({})], { hasLan: true }, 0)
    const waiting = view({ state: 'waiting', why: 'connection lost', retryAtMs: 2000 })
    expect(news.changed(waiting, 0)).toEqual([
      'Lost the directory 127.0.0.1:8000: connection lost, next try in 2 s.',
      'No directory is connected now. Conversations continue without one.'
    ])
    expect(news.changed(view({ state: 'connecting' }), 0)).toEqual([])
    expect(news.changed(waiting, 0)).toEqual([])
    expect(news.changed(view({}), 0)).toEqual(['Connected to the directory 127.0.0.1:8000.'])
    expect(news.changed(view({}), 0)).toEqual([])
  })
})

describe('a directory that does not register this peer', () => {
  it('is reported with its reason and what follows from it, and not as a lost one', () => {
    const base = { address: '127.0.0.1:8000', peer: undefined, isDefault: false, isDown: false } as const
    const news = new DirectoryNews()
    news.summary([{ ...base, state: 'connected' }], { hasLan: true }, 0)
    const why = 'it holds as many peers as it may; use another directory'
    expect(news.changed({ ...base, state: 'refused', why, retryAtMs: 30_000 }, 0)).toEqual([
      'The directory 127.0.0.1:8000 does not register you: it holds as many peers as it may; use another directory, next try in 30 s.',
      'Others there do not see you. You still see its roster.'
    ])
  })

  it('is listed with the number of peers that it reports', () => {
    const [line] = directoryLines(
      [
        {
          address: 'd:1',
          peer: undefined,
          isDefault: false,
          isDown: false,
          state: 'connected',
          peers: 6_000,
          total: 21_000
        }
      ],
      0
    )
    expect(line).toBe('d:1: connected, 6000 of 21000 peers')
  })
})

describe('what was found of directories', () => {
  const [one, other] = [
    '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2',
    '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
  ]
  const bob = { peer: '12D3KooWbob', name: 'bob', shortId: 'bobID' }
  const view = (fields: Partial<DirectoryView>): DirectoryView => ({
    address: '127.0.0.1:8000',
    peer: one,
    state: 'connected',
    isDefault: false,
    isDown: false,
    ...fields
  })
  const innocent = { stale: [], withholds: [], notJoinedWith: [], forged: 0 }

  it('stands behind each, with the names below', () => {
    const accused = view({
      rttMs: 3,
      peers: 12,
      registered: true,
      findings: { ...innocent, stale: [bob], withholds: [{ ...bob, provenBy: [other ?? '', one ?? ''] }], forged: 2 }
    })
    const apart = view({
      address: '10.0.0.2:8000',
      peer: other,
      rttMs: 20,
      peers: 1,
      findings: { ...innocent, notJoinedWith: [one ?? ''] }
    })
    expect(directoryLines([accused, apart], 0)).toEqual([
      `127.0.0.1:8000 (BmAwcd4PJNJv): connected, 3 ms, 12 peers, registered, withholds 1, stale about 1, showed 2 forged`,
      '    withholds bob (bobID), online according to 10.0.0.2:8000 and its own statement',
      '    what it shows of bob (bobID) is no longer so',
      `10.0.0.2:8000 (PjceQrSwdWXP): connected, 20 ms, 1 peer, not joined with 127.0.0.1:8000`
    ])
  })

  it('is no more than a few lines, however many are withheld', () => {
    const withholds = Array.from({ length: 500 }, () => ({ ...bob, provenBy: [] }))
    const lines = directoryLines([view({ findings: { ...innocent, withholds } })], 0)
    expect(lines).toHaveLength(12)
    expect(lines.at(-1)).toBe('    … and 490 more.')
  })

  it('is missing of one that stands by, which is nothing to complain about', () => {
    const standby = view({ state: 'standby', rttMs: 7, why: 'enough directories are in use', reachedAtMs: 0 })
    const stated = (fields: Partial<DirectoryView>, nowMs: number): string[] =>
      directoryLines([{ ...standby, ...fields }], nowMs)
    expect(stated({}, 59_999)).toEqual([`127.0.0.1:8000 (BmAwcd4PJNJv): standing by, answered just now, 7 ms`])
    expect(stated({}, 250_000)).toEqual([`127.0.0.1:8000 (BmAwcd4PJNJv): standing by, answered 4 min ago, 7 ms`])
    const { reachedAtMs: _, rttMs: __, ...untried } = standby
    expect(directoryLines([untried], 0)).toEqual([`127.0.0.1:8000 (BmAwcd4PJNJv): standing by, not tried yet`])
    expect(
      new DirectoryNews().summary([view({}), { ...standby, address: '10.0.0.3:8000' }], { hasLan: true }, 0)
    ).toHaveLength(1)
    expect(new DirectoryNews().changed(standby, 0)).toEqual([])
  })

  it('explain why a peer is not found, when none is connected', () => {
    const dead = view({ state: 'waiting', why: 'connection refused', address: '10.0.0.9:8000' })
    expect(noDirectoryText([view({}), dead], true)).toBeUndefined()
    expect(noDirectoryText([view({ state: 'refused' })], true)).toBeUndefined()
    expect(noDirectoryText([dead], true)).toBe(
      'No directory answers (10.0.0.9:8000: connection refused), so only the local network was searched'
    )
    expect(noDirectoryText([view({ state: 'waiting', isDefault: true })], false)).toBe(
      'No directory was found, so nothing was searched: --directory HOST:PORT names one'
    )
  })

  it('counts those in use, and those that should be there and are not', () => {
    const standby = view({ state: 'standby' })
    const dead = view({ state: 'waiting', isDown: true })
    const neverMet = view({ state: 'waiting' })
    expect(directoryCounts([view({}), view({}), standby])).toEqual({ up: 2, down: 0 })
    expect(directoryCounts([dead, view({}), view({}), neverMet])).toEqual({ up: 2, down: 1 })
    // It is not back before it is connected, and a new try is no news.
    expect(directoryCounts([view({ state: 'connecting', isDown: true })])).toEqual({ up: 0, down: 1 })
  })

  it('has fields of its own in JSON, whether something was found or not', () => {
    const withholds = [{ ...bob, provenBy: [other ?? ''] }]
    expect(directoryJson(view({ findings: { ...innocent, withholds } }))).toMatchObject({
      withholds,
      stale: [],
      forged: 0
    })
    expect(directoryJson(view({}))).toMatchObject({ rttMs: null, registered: null, peers: null, withholds: [] })
    const via = [{ directory: one ?? '', sinceMs: 5 }]
    expect(rowJson(row('bob', { via, onlyVia: one ?? '' }))).toMatchObject({ via, onlyVia: one })
    expect(rowJson(row('bob'))).toMatchObject({ via: [], onlyVia: null })
  })

  it('marks a peer that is seen by one directory’s word alone, and says when it is not so any more', () => {
    const alone = row('bob', { onlyVia: one ?? '' })
    expect(rosterLine(alone, 1)).toContain('(only via BmAwcd4PJNJv)')
    const shown = new RosterView(new RosterNumbers())
    shown.all([alone])
    expect(shown.changes([row('bob')])).toHaveLength(1)
    expect(shown.changes([row('bob')])).toEqual([])
  })
})

describe('the first line', () => {
  it('shows the identity, and the host and port that others can use', () => {
    expect(greetingLines(new FakeNode().snapshot().self)).toEqual([
      'You are anna (selfID), host 192.168.1.2, port 4000.'
    ])
    expect(reachableAt(['/ip6/::1/tcp/1', '/ip4/127.0.0.1/tcp/2'])).toEqual({ host: '127.0.0.1', port: '2' })
    expect(reachableAt([])).toBeUndefined()
    const here = ['/ip6/::1/tcp/1', '/ip4/127.0.0.1/tcp/2']
    expect(addressesForOthers([...here, '/ip6/fd00::2/tcp/3', '/ip4/10.0.0.2/tcp/4'])).toEqual([
      '/ip4/10.0.0.2/tcp/4',
      '/ip6/fd00::2/tcp/3'
    ])
    expect(addressesForOthers(here)).toEqual(here.toReversed())
  })
})

describe('the Tab key', () => {
  const options = { commands: chatCommands, names: ['bob', 'Bo b', 'carol', 'bob'], peerExpected: true }

  it('offers commands after a slash, names where a peer is meant, nothing in a text', () => {
    expect(completeLine('/acc', options)).toEqual([['/accept '], '/acc'])
    expect(completeLine('bo', options)).toEqual([['bob', '"Bo b"'], 'bo'])
    expect(completeLine('/chat ca', options)).toEqual([['carol'], 'ca'])
    expect(completeLine('/name ca', options)).toEqual([[], '/name ca'])
    expect(completeLine('bo', { ...options, peerExpected: false })).toEqual([[], 'bo'])
  })

  it('finds names in any case of any language', () => {
    const names = ['Straße', 'Işık', 'ca\u200crol']
    const hits = ['STRAS', 'ışı', 'caro'].map((typed) => completeLine(typed, { ...options, names })[0])
    expect(hits).toEqual([['Straße'], ['Işık'], ['ca\u200crol']])
  })
})

describe('libp2p programs on the LAN', () => {
  const seen = (shortId: string, host?: string) => ({
    peer: `12D3KooW${shortId}`,
    shortId,
    host,
    port: 4001,
    addresses: []
  })

  it('stand apart, with the ID that chooses one and where it is, and no more than fit', () => {
    expect(programLines([])).toEqual([])
    expect(programLines([seen('abc', '192.168.1.7')])).toEqual([
      'Other libp2p programs on the local network (1); /chat ID finds out whether one chats:',
      '     abc  192.168.1.7 4001'
    ])
    const many = Array.from({ length: MAX_ROSTER_ROWS + 3 }, (_, index) => seen(String(index)))
    expect(programLines(many)).toHaveLength(MAX_ROSTER_ROWS + 2)
    expect(programLines(many).at(-1)).toBe('… and 3 more.')
  })
})
