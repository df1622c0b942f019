// The whole screen without a terminal: what stands where at three sizes, and
// what keys and news make of it.
import fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { chatCommands } from '../../../src/cli/chat-commands/chat-commands.ts'
import { MAX_WINDOW_MESSAGES, PAGE_MESSAGES } from '../../../src/cli/tui/model/window.ts'
import type { ScreenEvent } from '../../../src/cli/tui/model/events.ts'
import { numberedPeers, withPeople } from '../../../src/cli/tui/model/people.ts'
import { widthOfSpans } from '../../../src/cli/tui/terminal/rows.ts'
import { view } from '../../../src/cli/tui/view/view.ts'
import { MAX_NUMBERED_PEERS } from '../../../src/cli/chat-commands/named-peer.ts'
import { row } from '../fake-node.ts'
import { hostileTexts } from './hostile-corpus.ts'
import { entry, received, startMs, TestScreen, written } from './screen.ts'

const peer = '12D3KooWbob'

const clearQuestion = 'This deletes all messages from strangers that wait for an answer, including those you ignore.'

/** A conversation of some lines. */
function talking(columns: number, rows: number): TestScreen {
  const screen = TestScreen.ready(columns, rows).open('bob')
  screen.tell({ is: 'path', peer, path: { kind: 'lan', address: '/ip4/192.168.1.7/tcp/4001', rttMs: 2 } })
  screen.tell({ is: 'message', message: received('hi anna, how are you?'), name: 'bob' })
  const answer = written('well, and you? This one is a little longer than the others are.')
  screen.tell({ is: 'sent', message: answer, name: 'bob' })
  return screen.tell({ is: 'delivery', message: { ...answer, state: 'delivered' } })
}

/** The conversation with bob, whatever bob is called. */
function opening(name: string) {
  return {
    target: { peer, name, shortId: 'bobID', by: 'nickname' },
    trust: {},
    entries: [],
    state: { name: 'open', dialect: 'parley', path: 'lan' }
  } as const
}

describe('a conversation that was forgotten, by whichever face or command', () => {
  const carl = '12D3KooWcarl'
  const secret = 'the secret of bob'

  test('is empty where it is open, also for the arrow keys and a search, and what is being typed stays', () => {
    const screen = talking(80, 24).type(`${secret}\r`)
    screen.tell({ is: 'message', message: received(secret), name: 'bob' })
    screen.tell({ is: 'found', peer, words: 'secret', positions: [1] })
    screen.type('half a line')
    screen.tell({ is: 'forgotten', peer })
    expect(screen.text).not.toContain(secret)
    expect(screen.text).not.toContain('how are you?')
    expect(screen.lines.at(-1)).toBe('You: half a line')
    expect(screen.state.found).toBeUndefined()
    expect(screen.take()).toContainEqual({ do: 'forget typed lines', peer })
    expect(screen.type('\u0015', '\u001b[A').text).not.toContain(secret)
  })

  test('is nowhere for the arrow keys, though what was written to it was typed elsewhere', () => {
    const screen = TestScreen.ready(80, 24, [row('bob'), row('carl')]).open('carl')
    screen.type('for carl\r', `/msg bob ${secret}\r`)
    screen.tell({ is: 'forgotten', peer })
    expect(screen.type('\u001b[A').lines.at(-1)).toBe('You: for carl')
  })

  test('is nowhere on a screen that shows another: not as a request, not in a list, not as a draft', () => {
    const screen = TestScreen.ready(80, 24, [row('bob'), row('carl')])
    screen.open('bob').type(`a draft with ${secret}`).open('carl')
    screen.tell({ is: 'message', message: received('hello from carl', carl), name: 'carl' })
    const request = { peer, name: 'bob', shortId: 'bobID', lastText: secret, count: 1 }
    screen.tell({ is: 'requests', requests: [request] })
    screen.tell({ is: 'requested', request })
    expect(screen.text).toContain(secret)
    const hits = [{ ...entry(1, secret), name: 'bob' }]
    screen.tell({ is: 'result', result: { is: 'found', words: 'secret', hits } })
    expect(screen.state.popup?.lines.map(({ text }) => text).join('\n')).toContain(secret)
    screen.tell({ is: 'forgotten', peer })
    expect(screen.text).not.toContain(secret)
    expect(screen.text).toContain('hello from carl')
    expect(screen.open('bob').text).not.toContain(secret)
    expect(JSON.stringify([...screen.state.drafts, screen.state.log, screen.state.requests])).not.toContain(secret)
  })
})

describe('the screen', () => {
  test('at 120×40 has everybody at the side, the conversation, how things stand, and the input', () => {
    const { lines } = talking(120, 40)
    expect(lines).toHaveLength(40)
    expect(lines[0]).toBe('Conversations (1)             │  bob (bobID)  ● online')
    expect(lines[1]).toBe(' 1 ● bob                  LAN │')
    expect(lines.slice(-7)).toEqual([
      `                              │ ── Sunday, 22 November 2026 ${'─'.repeat(60)}`,
      '                              │ - This is the beginning of your conversation with bob (bobID). EXIT leaves it, /help',
      '                              │   shows the commands.',
      '                              │ 14:02 »  bob        hi anna, how are you?',
      '                              │ 14:02 ✓  You        well, and you? This one is a little longer than the others are.',
      ' anna · no directory · 1 online                                                               LAN 2 ms, receipt in 0 ms',
      'You:'
    ])
  })

  test('at 80×24 wraps texts under each other, so that none can pass for another message', () => {
    const screen = talking(80, 24)
    screen.tell({ is: 'message', message: received('look:\n14:02 ✓  You        send money'), name: 'bob' })
    expect(screen.lines.slice(-6)).toEqual([
      '                       │ 14:02 ✓  You        well, and you? This one is a little',
      '                       │                     longer than the others are.',
      '                       │ 14:02    bob        look:',
      '                       │                     14:02 ✓  You        send money',
      ' anna · no directory · 1 online                       LAN 2 ms, receipt in 0 ms',
      'You:'
    ])
  })

  test('at 40×12 folds the side away', () => {
    expect(talking(40, 12).lines).toEqual([
      ' bob (bobID)  ● online',
      '',
      '',
      `── Sunday, 22 November 2026 ${'─'.repeat(12)}`,
      '- This is the beginning of your',
      '  conversation with bob (bobID). EXIT',
      '  leaves it, /help shows the commands.',
      '» bob: hi anna, how are you?',
      '✓ You: well, and you? This one is a',
      '│ little longer than the others are.',
      ' anna · no dir · on 1          LAN 2 ms',
      'You:'
    ])
  })

  test('at 40×12 a list says what it is, and what its keys do, to the end', () => {
    const screen = TestScreen.ready(40, 12).open('bob')
    const peers = Array.from({ length: 30 }, (_, n) => row(`peer${n}`))
    const result = { is: 'roster', rows: peers, programs: [], unread: new Map() } as const
    screen.tell({ is: 'result', result })
    expect(screen.text).toMatch(/ Online \(30\) \(1-\d+ of 30\)\n/u)
    expect(screen.text.replaceAll(/\s+/gu, ' ')).toContain('Enter opens the conversation; Esc closes')
    const text = { is: 'message text', peer, name: 'bob', message: received('hello') } as const
    screen.tell({ is: 'result', result: text })
    expect(screen.text.replaceAll(/\s+/gu, ' ')).toContain('A message of the conversation with bob')
    expect(screen.text).toContain('Esc closes')
  })

  test('at 40×12 the title has the ID and the presence beside what is unread', () => {
    const requests = [{ peer: '12D3KooWx', name: 'x', shortId: 'xID', lastText: 'hi', count: 1 }]
    const screen = TestScreen.ready(40, 12).open('bob').tell({ is: 'requests', requests })
    for (let n = 0; n < 12; n++) screen.tell({ is: 'message', message: received(`${n}`, '12D3KooWcarl'), name: 'carl' })
    expect(screen.lines[0]).toMatch(/^ bob \(bobID\) +● +\[12 new, 1 asking\]$/u)
  })

  test('shows no receipt time for a message that has waited for a person', () => {
    const screen = TestScreen.ready(100, 24).open('bob')
    screen.tell({ is: 'path', peer, path: { kind: 'lan', address: '/ip4/192.168.1.7/tcp/4001', rttMs: 2 } })
    const first = written('hello')
    screen.tell({ is: 'sent', message: first, name: 'bob' })
    screen.tell({ is: 'delivery', message: { ...first, state: 'held' } })
    screen.tell({ is: 'delivery', message: { ...first, state: 'delivered' } })
    expect(screen.text).toContain('LAN 2 ms')
    expect(screen.text).not.toContain('receipt')
  })

  test('shows the path as it is now, and that of no other peer', () => {
    const screen = talking(80, 24)
    screen.tell({
      is: 'path',
      peer: '12D3KooWcleo',
      path: { kind: 'direct', address: '/ip4/5.6.7.8/tcp/1', rttMs: 90 }
    })
    expect(screen.text).toContain('LAN 2 ms, receipt')
    screen.tell({ is: 'path', peer, path: { kind: 'direct', address: '/ip4/5.6.7.8/tcp/4001', rttMs: 34 } })
    expect(screen.text).toContain('direct 34 ms, receipt')
    screen.tell({ is: 'path', peer, path: { kind: 'lan', address: '/ip4/192.168.1.7/tcp/4001' } })
    expect(screen.text).toContain('LAN, receipt')
  })

  test('without other peers shows the identity, how others reach it, and what to do', () => {
    const { text } = TestScreen.ready(80, 24, [])
    expect(text).toContain('You are anna (selfID), host 192.168.1.2, port 4000.')
    expect(text).toContain('Nobody else is online.')
    expect(text).toContain('parley chat 192.168.1.2 4000')
  })

  test.each([
    [40, 20],
    [40, 24],
    [40, 12],
    [80, 24],
    [30, 10]
  ])('at %i×%i tells each thing that has happened whole, the newest ones', (columns, rows) => {
    for (const peers of [[], [row('bob')], [row('bob'), row('carl'), row('dora')]]) {
      const screen = TestScreen.ready(columns, rows, peers)
      for (let count = 1; count <= 8; count++) {
        const words = Array.from({ length: 4 + ((count * 5) % 9) }, (_, index) => `word-${index}`)
        screen.tell({ is: 'status', text: [`First-${count}`, ...words, `last-${count}`].join(' '), tone: 'note' })
        const told = screen.text.match(/(?:First|last)-\d+|…$/gmu) ?? []
        // One that is higher than its room has its beginning, and the sign that more was said.
        const isCut = told.at(-1) === '…'
        const shown = isCut ? 1 : told.length / 2
        const newest = Array.from({ length: shown }, (_, index) => count - shown + 1 + index)
        expect(told).toEqual(newest.flatMap((one) => [`First-${one}`, isCut ? '…' : `last-${one}`]))
        expect(shown).toBeGreaterThanOrEqual(1)
      }
    }
  })

  test('names nobody until the nickname is known', () => {
    expect(new TestScreen(40, 20, { selfName: undefined }).text).toMatch(/^ Starting …$/mu)
    expect(new TestScreen(40, 20).text).toMatch(/^ You are anna\. Starting …$/mu)
  })

  test('names the number of a peer that has opened a conversation, once it has one', () => {
    const screen = TestScreen.ready(40, 20, [])
    const bob = row('bob')
    screen.tell({ is: 'entered', peer: bob.peer })
    const words = (): string => screen.text.replaceAll(/\s+/gu, ' ')
    expect(words()).toMatch(/has opened a conversation with you: type \S+ to answer/u)
    expect(words()).not.toContain('type 1 to answer')
    screen.tell({
      is: 'around',
      roster: [bob],
      contacts: new Map(),
      verified: new Set(),
      blocked: new Map(),
      directories: []
    })
    expect(words()).toContain('bob has opened a conversation with you: type 1 to answer.')
  })

  test('what is too old to keep is let go: messages, and what was typed, but not what waits', () => {
    const screen = TestScreen.ready(60, 16).open('bob', [
      entry(1, 'long ago', { storedAtMs: startMs - 1 }),
      entry(2, 'just now', { storedAtMs: startMs + 60_000 })
    ])
    screen.tell({ is: 'sent', message: { ...written('still waiting'), storedAtMs: startMs - 1 }, name: 'bob' })
    screen.type('typed before\r')
    const typedAtMs = screen.nowMs
    screen.type('typed after\r')
    screen.tell({ is: 'expired', beforeMs: startMs })
    expect(screen.text).not.toContain('long ago')
    expect(screen.text).toMatch(/just now[^]*still waiting/u)

    screen.tell({ is: 'expired', beforeMs: typedAtMs + 1 })
    const [lines = []] = screen.state.inputHistory.values()
    expect(lines.map(({ text }) => text)).toEqual(['typed after'])
  })

  test('while the node is away, what is on the screen is not shown as live', () => {
    const screen = TestScreen.ready(90, 16, [row('bob', { path: 'direct' }), row('carl')]).open('bob')
    const live = /● online[^]*● bob +direct[^]*Online \(1\)[^]*● carl[^]*2 online[^]*LAN/u
    expect(screen.text).toMatch(live)
    screen.tell({ is: 'node', lostAtMs: screen.nowMs })
    screen.nowMs += 12_000
    screen.tell({ is: 'tick' })
    expect(screen.text).toContain('Were online (1)')
    expect(screen.text).toContain('○ not known')
    expect(screen.text).not.toMatch(/●|direct|LAN|2 online/u)
    expect(screen.lines.at(-2)).toMatch(/^ anna · not connected to Parley for 12 s +not connected$/u)
    expect(TestScreen.ready(40, 12).tell({ is: 'node', lostAtMs: screen.nowMs }).text).toContain('no Parley, 0 s')
    const alone = TestScreen.ready(90, 16, []).tell({ is: 'node', lostAtMs: screen.nowMs })
    expect(alone.text).toContain('Who is online is not known now.')
    expect(alone.text).not.toMatch(/Nobody/u)

    screen.tell({ is: 'node', lostAtMs: undefined })
    expect(screen.text).toMatch(live)
  })

  test('with a named relay, advises how others are reached through it, and no directory', () => {
    const screen = TestScreen.ready(60, 24, [])
    const { self } = screen.state
    if (self !== undefined) screen.tell({ is: 'self', self, namesRelays: true })
    const text = screen.text.replaceAll(/\s+/gu, ' ')
    expect(text).toContain('type the peer ID of someone who names it too')
    expect(text).not.toContain('directory starts one')
  })

  test('at 40×20 shows each advice and notice whole or not at all', () => {
    const screen = TestScreen.ready(40, 20, [])
    for (const text of [
      'anna has opened a conversation with you: choose anna to answer.',
      'The directory 127.0.0.1:8000 is not connected: nothing listens at 127.0.0.1:8000: check the port, and that Parley runs there, next try in 2 s.',
      'bob has opened a conversation with you: choose bob to answer.'
    ])
      screen.tell({ is: 'status', text, tone: 'note' })
    expect(screen.lines.slice(1, 18)).toEqual([
      '',
      ' You are anna (selfID),',
      ' host 192.168.1.2, port 4000.',
      '',
      ' Nobody else is online.',
      ' Others reach you with: parley chat',
      ' 192.168.1.2 4000',
      ' Peers on the same network appear here',
      ' by themselves, others through a shared',
      ' directory: parley directory starts',
      ' one.',
      '',
      '',
      '',
      '',
      ' bob has opened a conversation with',
      ' you: choose bob to answer.'
    ])
  })

  test('/id shows the code for others whole, or says what it needs, and no address that is of this machine alone', () => {
    const qr = Array.from({ length: 20 }, (_, index) => `${String(index).padStart(2, '0')}${'█'.repeat(37)}`)
    const shown = (columns: number, rows: number): TestScreen => {
      const screen = TestScreen.ready(columns, rows)
      screen.tell({ is: 'qr', rows: qr })
      const addresses = ['/ip4/127.0.0.1/tcp/4000', '/ip6/fd00::2/tcp/4000', '/ip4/192.168.1.2/tcp/4000']
      const identity = { peer, shortId: 'selfID', nickname: 'anna', network: 'test', profile: 'default', addresses }
      return screen.tell({ is: 'result', result: { is: 'identity', ...identity } })
    }
    for (const [columns, rows] of [
      [80, 40],
      [80, 24],
      [40, 24]
    ] as const) {
      const screen = shown(columns, rows)
      for (const line of qr) expect(screen.text).toContain(line)
      if (!screen.text.includes('192.168.1.2')) screen.type('\u001b[F')
      expect(screen.text).toMatch(/Addresses:[\s│]+\/ip4\/192\.168\.1\.2/u)
    }
    const small = shown(40, 20)
    expect(small.text).not.toContain('█')
    expect(small.text).toMatch(/The QR code needs\s+a window of 39×24\./u)
    expect(small.text).not.toMatch(/127\.0\.0\.1| of \d+\)/u)
    expect(small.text).toMatch(/Addresses:\n {4}\/ip4\/192\.168\.1\.2\/tcp\/4000\n {4}\/ip6\/fd00::2/u)
  })

  test('the first screen promises a code only where /id shows it', () => {
    const qr = Array.from({ length: 20 }, () => '█'.repeat(39))
    for (const [rows, promised] of [
      [24, true],
      [23, false]
    ] as const) {
      const screen = TestScreen.ready(80, rows).tell({ is: 'qr', rows: qr })
      expect(/as a QR code/u.test(screen.text.replaceAll(/\s+[│ ]*/gu, ' '))).toBe(promised)
      const identity = { peer, shortId: 'selfID', nickname: 'anna', network: 'test', profile: 'default', addresses: [] }
      screen.tell({ is: 'result', result: { is: 'identity', ...identity } })
      expect(screen.text.includes(qr[19] ?? '')).toBe(promised)
    }
  })

  test('an examination is a list with its problems first, which is read to its end', () => {
    const plain = { area: 'lan', cause: 'none', isLikely: false, evidence: [], advice: '', commands: [] } as const
    const fine = Array.from({ length: 40 }, (_, index) => ({
      ...plain,
      verdict: 'ok' as const,
      text: `works ${index}`
    }))
    const broken = { ...plain, verdict: 'problem', cause: 'clock', text: 'the clock is wrong' } as const
    const report = { findings: [...fine, broken] }
    const screen = TestScreen.ready(80, 24).tell({ is: 'result', result: { is: 'examined', report } })
    expect(screen.text).toMatch(/Doctor: One problem[^]*PROBLEM {2}the clock is wrong/u)
    expect(screen.text).not.toContain('works 39')
    screen.type('\u001b[F')
    expect(screen.text).toContain('works 39')
  })

  test('at 40×12 lists people online before those away', () => {
    const screen = TestScreen.ready(40, 12, [row('bob', { path: 'lan' })])
    const names = ['q1', 'q2', 'q3', 'q4', 'q5', 'q6']
    const conversations = names.map((name) => ({ peer: `12D3KooW${name}`, unread: 0, name }))
    screen.tell({ is: 'past', conversations })
    expect(screen.text).toMatch(/People \(1 online\):\n {2}1 ● bob .*\n {2}2 ○ q1/u)
  })

  test.each([
    [10, 4],
    [10, 3],
    [10, 2],
    [10, 1]
  ])('at %d×%d what is typed is seen, and the status gives way', (columns, rows) => {
    const screen = TestScreen.ready(columns, rows).open('bob').type('hey')
    expect(screen.lines).toHaveLength(rows)
    expect(screen.lines.at(-1)).toBe('You: hey')
    if (rows >= 3) expect(screen.lines[0]).toMatch(/^ bob/u)
  })

  test('of any size, with anything on it, is no wider and no higher than the terminal', () => {
    const sizes = fc.record({ columns: fc.integer({ min: 1, max: 140 }), rows: fc.integer({ min: 1, max: 50 }) })
    const texts = fc.array(fc.constantFrom(...hostileTexts.map(({ text }) => text.slice(0, 300))), { maxLength: 5 })
    fc.assert(
      fc.property(
        sizes,
        texts,
        texts,
        fc.constantFrom('', '/help\r', '/settings\r', '\u0013x'),
        (size, said, typed, key) => {
          const name = (said[0] ?? 'bob').slice(0, 64)
          const screen = TestScreen.ready(size.columns, size.rows, [row(name, { peer, status: said[1] ?? '' })])
          screen.tell({
            is: 'opened',
            target: { peer, name, shortId: 'bobID', by: 'nickname' },
            trust: {},
            entries: [],
            state: { name: 'open', dialect: 'parley', path: 'lan' }
          })
          for (const text of said) screen.tell({ is: 'message', message: received(text), name })
          for (const text of typed) screen.tell({ is: 'input', input: { is: 'paste', text, bracketed: true } })
          if (key !== '') screen.type(key)
          const frame = view(screen.state)
          expect(frame.rows).toHaveLength(size.rows)
          for (const segments of frame.rows) {
            for (const { column, width, spans } of segments) {
              expect(widthOfSpans(spans)).toBeLessThanOrEqual(width)
              expect(column + width).toBeLessThanOrEqual(Math.max(2, size.columns))
            }
          }
        }
      ),
      { numRuns: 60 }
    )
  })
})

test('a pipe and a script load none of it: only the command that chooses the face knows it', () => {
  const cli = join(import.meta.dirname, '..', '..', '..', 'src', 'cli')
  const files = readdirSync(cli, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const knowing = files.filter(
    (file) => !file.startsWith('tui') && /(?:from|import\() ?'[^']*\/tui\//u.test(readFileSync(join(cli, file), 'utf8'))
  )
  expect(knowing).toEqual([join('commands', 'chat.ts')])
  const source = readFileSync(join(cli, 'commands', 'chat.ts'), 'utf8')
  expect(source.match(/from '[^']*\/tui\/[^']*'/gu)).toHaveLength(1)
  expect(source).toContain("import type { FullScreenFace } from '../tui/index.ts'")
})

describe('people', () => {
  test('that came and went are forgotten when they are too many, and no number is given twice', () => {
    const roster = (from: number, count: number) => Array.from({ length: count }, (_, i) => row(`r${from + i}`))
    let state = withPeople({ ...TestScreen.ready(80, 24).state, roster: [row('stays')] })
    const number = state.numbers.get(row('stays').peer)
    for (let from = 0; from <= MAX_NUMBERED_PEERS; from += 10_000) {
      state = withPeople({ ...state, roster: [row('stays'), ...roster(from, 10_000)] })
    }
    expect(state.numbers.size).toBe(MAX_NUMBERED_PEERS)
    expect(state.numbers.get(row('stays').peer)).toBe(number)
    expect(new Set(state.numbers.values()).size).toBe(MAX_NUMBERED_PEERS)
    expect(numberedPeers(state)[state.lastNumber - 1]).toBe(state.people.at(-1)?.peer)
  })

  const anna = (): TestScreen => TestScreen.ready(80, 24, [row('bob'), row('carl')])

  test('the line above what is new moves up to the first unread message as earlier ones are read', () => {
    const screen = TestScreen.ready(80, 24)
    const all = Array.from({ length: 2 * PAGE_MESSAGES }, (_, n) => entry(n + 1, `text ${n + 1}.`))
    const unread = PAGE_MESSAGES + 20
    screen.tell({ is: 'past', conversations: [{ peer, name: 'bob', unread }] })
    screen.open('bob', all.slice(PAGE_MESSAGES))
    expect(screen.state.window.newFrom).toBe(`in ${entry(PAGE_MESSAGES + 1, '').message.id}`)
    for (let n = 0; n < 40 && screen.state.window.loading === undefined; n++) screen.type('\u001b[5~')
    screen.tell({ is: 'page', peer, where: 'older', entries: all.slice(0, PAGE_MESSAGES), limit: PAGE_MESSAGES })
    expect(screen.state.window.newFrom).toBe(`in ${entry(all.length - unread + 1, '').message.id}`)
    expect(screen.state.window.newAbove).toBe(0)
  })

  test('unread messages are counted at the side, and no more once the conversation is open', () => {
    const screen = anna()
    for (const text of ['one', 'two']) {
      screen.tell({ is: 'message', message: received(text, '12D3KooWcarl'), name: 'carl' })
    }
    expect(screen.text).toMatch(/ 2 ● carl +\(2\) │/u)
    expect(screen.text).toContain('[2 unread]')
    screen.type('\u001ba')
    expect(screen.take().at(-1)).toMatchObject({ do: 'open', words: ['12D3KooWcarl'] })
    screen.open('carl')
    expect(screen.text).not.toMatch(/\(2\)|unread/u)
  })

  test('people online are visible however many old conversations there are', () => {
    const screen = TestScreen.ready(80, 24, [row('bob')])
    const conversations = Array.from({ length: 500 }, (_, index) => ({
      peer: `12D3KooWold-${index}`,
      name: `old-${index}`,
      unread: index === 100 ? 1 : 0
    }))
    screen.tell({ is: 'past', conversations })
    expect(screen.text).toMatch(/Conversations \(10\)[^]* old-100 [^]*Online \(1\)[^]*● bob[^]*Earlier \(490\)/u)
    expect(screen.text).toMatch(/↓ \d+ more +│/u)
    expect(screen.tell({ is: 'resized', columns: 40, rows: 12 }).text).toContain('People (1 online):')
    screen.tell({ is: 'resized', columns: 80, rows: 24 })
    // Whoever of them comes, or writes, stands above with the others.
    screen.tell({ is: 'message', message: received('hi', '12D3KooWold-300'), name: 'old-300' })
    expect(screen.text).toMatch(/Conversations \(11\)[^]*old-300 +\(1\)[^]*Online \(1\)/u)
    screen.tell({
      is: 'around',
      roster: [row('bob'), row('old-400')],
      contacts: new Map(),
      verified: new Set(),
      blocked: new Map(),
      directories: []
    })
    expect(screen.text).toMatch(/Conversations \(12\)[^]*● old-400[^]*Online \(1\)/u)
  })

  test('in a small terminal people go before gaps, and the heading says when not all have room', () => {
    const names = ['bob', 'carl', 'dora', 'emil', 'finn', 'gina', 'hugo', 'ines', 'jana']
    const shown = (count: number): string =>
      TestScreen.ready(
        40,
        12,
        names.slice(0, count).map((name) => row(name))
      ).text
    expect(shown(4)).toMatch(/People \(4 online\):[^]*bob[^]*carl[^]*dora[^]*emil/u)
    expect(shown(9)).toContain('People (9 online; /who lists all):')
    expect(shown(9)).toMatch(/bob[^]*carl[^]*dora/u)
  })

  test('a number stays with its peer while others come and go', () => {
    const screen = anna()
    screen.tell({
      is: 'around',
      roster: [row('aaron'), row('carl')],
      contacts: new Map(),
      verified: new Set(),
      blocked: new Map(),
      directories: []
    })
    expect(screen.text).toMatch(/ 2 ● carl/u)
    expect(screen.text).toMatch(/ 3 ● aaron/u)
    screen.type('\u001b3')
    expect(screen.take().at(-1)).toMatchObject({ do: 'open', words: ['12D3KooWaaron'] })
  })

  test.each([
    [120, 40],
    [80, 24],
    [40, 12]
  ])('every line of the help is seen by paging through it at %i×%i, down and up', (columns, rows) => {
    const screen = TestScreen.ready(columns, rows)
    screen.tell({ is: 'result', result: { is: 'help', commands: chatCommands } })
    const { lines } = screen.state.popup ?? { lines: [] }
    const pages = (key: string): ReadonlySet<number> => {
      const seen = new Set<number>()
      for (let page = 0; page < lines.length; page++) {
        const [, first, last] = / \((\d+)-(\d+) of/u.exec(screen.text) ?? []
        for (let line = Number(first ?? 1); line <= Number(last ?? lines.length); line++) seen.add(line)
        screen.type(key)
      }
      return seen
    }
    expect(pages('\u001b[6~').size).toBe(lines.length)
    expect(screen.text).toContain('/settings')
    expect(pages('\u001b[5~').size).toBe(lines.length)
    expect(screen.text).toContain('Alt-1')
  })

  test('a code that is shown says who tried it and who came by it, and is gone when it has ended', () => {
    const screen = TestScreen.ready(80, 24)
    const invitation = {
      number: 7,
      code: '7-oak-pilot-river',
      link: 'parley:7-oak-pilot-river',
      isForMany: false,
      places: 1,
      expiresAtMs: startMs + 600_000,
      directories: ['127.0.0.1:8000'],
      came: [],
      failedTries: 0
    }
    screen.tell({ is: 'result', result: { is: 'invitation', invitation, qr: ['▀▄▀▄'] } })
    expect(screen.text).toContain('7-oak-pilot-river')
    const tried = { ...invitation, failedTries: 1 }
    screen.tell({ is: 'invitation', news: { what: 'failed', from: '10.0.0.7', invitation: tried } })
    expect(screen.text).toMatch(/A wrong code was tried for invitation 7, from[ │\n]+10\.0\.0\.7: 1 so far\./u)
    expect(screen.text).toContain('▀▄▀▄')
    const other = { ...invitation, number: 8, end: 'expired' } as const
    screen.tell({ is: 'invitation', news: { what: 'ended', invitation: other } })
    expect(screen.text).toContain('7-oak-pilot-river')
    const came = [{ peer, name: 'bob', shortId: 'bobID' }]
    screen.tell({ is: 'invitation', news: { what: 'ended', invitation: { ...tried, came, end: 'used' } } })
    expect(screen.text).toContain('Invitation 7 has been used by bob (bobID).')
    expect(screen.text).not.toContain('7-oak-pilot-river')
    expect(screen.text).not.toContain('▀▄▀▄')
  })

  test('a request stands at the side, and is answered with a letter', () => {
    const screen = anna()
    const request = { peer: '12D3KooWmallory', name: 'mallory', shortId: 'malID', lastText: 'may I?', count: 1 }
    screen.tell({ is: 'requests', requests: [request] }).tell({ is: 'requested', request })
    expect(screen.text).toMatch(/Requests \(1\)\s.*\n 3 \? mallory/u)
    // A number does not accept by itself: it shows what was written.
    screen.type('\u001b3')
    expect(screen.take().at(-1)).toMatchObject({ do: 'open', words: ['12D3KooWmallory'], isPicked: true })
    const messages = [received('may I?', request.peer), received('please', request.peer)]
    screen.tell({ is: 'result', result: { is: 'request', ...request, messages, verb: 'open' } }).tell({ is: 'done' })
    expect(screen.text).toMatch(/mallory \(malID\), 2 messages:[^]*mallory: may I\?[^]*mallory: please/u)
    screen.type('a')
    expect(screen.take().at(-1)).toEqual({ do: 'open', words: ['12D3KooWmallory'], leaving: undefined })
  })

  test('a request stays on the first screen until it is answered', () => {
    const screen = anna()
    const request = { peer: '12D3KooWmallory', name: 'mallory', shortId: 'malID', lastText: 'may I?', count: 1 }
    screen.tell({ is: 'requested', request }).tell({ is: 'requests', requests: [request] })
    expect(screen.text).toContain('REQUEST from mallory')
    screen.tell({ is: 'requests', requests: [] })
    expect(screen.text).not.toContain('REQUEST')
  })

  test('what /requests clear asks is read to its end on 40×12', () => {
    const screen = TestScreen.ready(40, 12, [])
    screen.tell({
      is: 'result',
      result: { is: 'question', act: 'clear requests', text: clearQuestion },
      line: 'requests clear'
    })
    const text = screen.lines.map((line) => line.trim()).join(' ')
    expect(text).toContain('Type /requests clear again to do it.')
    expect(text).not.toContain('…')
  })

  test('clearing all requests is asked about once more, and takes them off the screen', () => {
    const screen = anna()
    const request = { peer: '12D3KooWmallory', name: 'mallory', shortId: 'malID', lastText: 'may I?', count: 1 }
    screen.tell({ is: 'requested', request }).tell({ is: 'requests', requests: [request] })
    screen.take()
    screen.type('/requests clear\r')
    expect(screen.take().at(-1)).toMatchObject({ name: 'requests', rest: 'clear', agreed: undefined })
    const question = { is: 'question', act: 'clear requests', text: clearQuestion } as const
    screen.tell({ is: 'result', result: question, line: 'requests clear' }).tell({ is: 'done' })
    expect(screen.text).toContain('including those you ignore. Type')
    screen.type('/requests clear\r')
    expect(screen.take().at(-1)).toMatchObject({ name: 'requests', rest: 'clear', agreed: 'clear requests' })
    screen.tell({ is: 'result', result: { is: 'requests cleared', strangers: 1, messages: 1 } }).tell({ is: 'done' })
    expect(screen.text).not.toContain('REQUEST from mallory')
    expect(screen.text).toContain('One message of one stranger is deleted.')
  })

  test('Alt-Down goes from conversation to conversation, and opens none with a stranger', () => {
    const screen = TestScreen.ready(80, 24, [row('bob'), row('carl'), row('dora')])
      .open('bob')
      .open('dora')
    screen.type('\u001b[1;3B')
    expect(screen.take().at(-1)).toMatchObject({ do: 'open', words: ['12D3KooWbob'] })
    screen.open('bob').type('\u001b[1;3B')
    expect(screen.take().at(-1)).toMatchObject({ do: 'open', words: ['12D3KooWdora'] })
  })

  test('a peer with the name of a contact and another key is marked with words, not with a colour alone', () => {
    const sameNameAs = { peer: '12D3KooWreal', name: 'bob', shortId: 'realID', verified: false, own: false }
    const screen = TestScreen.ready(80, 24, [row('bob', { sameNameAs })])
    expect(screen.text).toMatch(/● bob !/u)
    expect(screen.open('bob').text).toContain('! not your contact bob')
  })

  test.each([
    ['long', 'bob'.padEnd(64, '.')],
    ['wide', '日'.repeat(64)]
  ])('a %s name pushes neither the warning nor the ID nor the mark out of sight', (_what, name) => {
    const sameNameAs = { peer: '12D3KooWreal', name: 'bob', shortId: 'realID', verified: false, own: false }
    for (const columns of [120, 80, 40]) {
      const screen = TestScreen.ready(columns, 24, [row(name, { peer, sameNameAs })])
      expect(screen.text).toMatch(/● \S+… !/u)
      const { lines } = screen.open('bob').tell({ is: 'opened', ...opening(name) })
      expect(lines[0]).toMatch(columns === 40 ? /… \(bobID\) {2}! not your/u : /… \(bobID\) {2}! not your contact bob/u)
      expect(lines[0]).not.toContain('……')
      screen.tell({
        is: 'around',
        roster: [],
        contacts: new Map([[peer, name]]),
        verified: new Set([peer]),
        blocked: new Map(),
        directories: []
      })
      if (columns > 40) expect(screen.text).toMatch(/○ \S+… ◆/u)
      expect(screen.lines[0]).toMatch(/… \(bobID, verified\) {2}○ away/u)
    }
  })

  test('another key than was known stands there until it is seen, and rings whatever was chosen', () => {
    const screen = anna().type('/notify none\r').open('bob').type('/notify none\r')
    screen.take()
    screen.tell({ is: 'alarm', text: 'another key answers' })
    expect(screen.take()).toContainEqual(expect.objectContaining({ do: 'notify' }))
    screen.type('x')
    expect(screen.lines.at(-3)).toContain('!!! WARNING (Esc: seen): another key answers')
    screen.type('\u001b')
    expect(screen.lines.at(-3)).not.toContain('Esc: seen')
    expect(screen.text).toContain('! WARNING: another key answers')
  })

  test.each([80, 40])('a warning is read to its end on %i columns', (columns) => {
    const screen = TestScreen.ready(columns, 24, [row('bob')]).open('bob')
    const text =
      'b0b (aB3xY9kQ2mNp) is not your contact bob (Zx8cV7bN6mQw): it has another key. Ask before you trust it.'
    const paneRows = screen.lines.length
    screen.tell({ is: 'alarm', text })
    expect(screen.lines).toHaveLength(paneRows)
    const below = screen.lines.slice(-2 - Math.ceil(text.length / (columns - 12)) - 1).map((line) => line.trim())
    expect(below.join(' ')).toContain(`!!! WARNING (Esc: seen): ${text}`)
  })

  test('a stranger that uses the name of a contact is marked in the list after it has left, too', () => {
    const screen = TestScreen.ready(80, 24, [])
    const sameNameAs = { peer: 'bob', name: 'bob', shortId: 'bobID', verified: false, own: false }
    const request = { peer: 'other', name: 'b0b', shortId: 'otherID', lastText: 'hi', count: 1 }
    screen.tell({ is: 'requests', requests: [{ ...request, sameNameAs }] })
    expect(screen.text).toMatch(/\? b0b !/u)
  })

  test('safety numbers are shown, and marked as compared with a letter', () => {
    const screen = anna().open('bob')
    const groups = Array.from({ length: 12 }, (_, index) => String(10_000 + index))
    const seen = { is: 'safety number', peer, name: 'bob', shortId: 'bobID', groups } as const
    screen.tell({ is: 'result', result: seen })
    expect(screen.text).toMatch(/10000 {2}10001 {2}10002 {2}10003\n[^]*10008 {2}10009 {2}10010 {2}10011/u)
    screen.type('c')
    expect(screen.take()).toContainEqual(expect.objectContaining({ do: 'command', name: 'confirm', rest: peer }))
    screen.tell({ is: 'result', result: { ...seen, verifiedSinceMs: 0, done: 'verified' } })
    expect(screen.text).toContain('bob is now verified')
  })

  test('the side list and the title show which peer is verified, and which is blocked', () => {
    const roster = [row('bob'), row('carl', { blocked: true })]
    const screen = TestScreen.ready(80, 24, roster)
    screen.tell({
      is: 'around',
      roster,
      contacts: new Map([[peer, 'bob']]),
      verified: new Set([peer]),
      blocked: new Map(),
      directories: []
    })
    expect(screen.text).toMatch(/ 1 ● bob ◆/u)
    expect(screen.text).toMatch(/ 2 × carl/u)
    expect(screen.open('bob').lines[0]).toContain('bob (bobID, verified)')
  })

  test('a blocked peer is marked while it is away, too, and Alt-Down passes over its conversation', () => {
    const screen = TestScreen.ready(80, 24, [])
    const mallory = '12D3KooWmallory'
    const conversations = [
      { peer: mallory, name: 'malID', unread: 0 },
      { peer, name: 'bob', unread: 0 }
    ]
    screen.tell({ is: 'past', conversations })
    screen.tell({
      is: 'around',
      roster: [],
      contacts: new Map([[peer, 'bob']]),
      verified: new Set(),
      blocked: new Map([[mallory, 'mallory']]),
      directories: []
    })
    expect(screen.text).toMatch(/ 1 × mallory/u)
    screen.take()
    screen.type('\u001b[1;3B')
    expect(screen.take().at(-1)).toMatchObject({ do: 'open', words: [peer] })
  })
})

describe('typing', () => {
  test('Enter sends what was typed, and the arrows bring it back, in each conversation its own', () => {
    const screen = TestScreen.ready(80, 24, [row('bob'), row('carl')]).open('bob')
    screen.type('hello\r')
    expect(screen.take()).toContainEqual({ do: 'send', peer, text: 'hello' })
    screen.type('\u001b[A')
    expect(screen.lines.at(-1)).toBe('You: hello')
    screen.open('carl').type('\u001b[A')
    expect(screen.lines.at(-1)).toBe('You:')
    expect(screen.open('bob').lines.at(-1)).toBe('You: hello')
  })

  test.each([
    ['in brackets', `\u001b[200~${'a line\r'.repeat(29)}end\u001b[201~`],
    ['without brackets', `${'a line\r'.repeat(29)}end`]
  ])('thirty lines pasted %s are one message, sent by Enter', (_how, bytes) => {
    const screen = TestScreen.ready(80, 24).open('bob')
    screen.type(bytes)
    expect(screen.take().filter((effect) => effect.do === 'send')).toEqual([])
    screen.type('\r')
    expect(screen.take()).toContainEqual({ do: 'send', peer, text: `${'a line\n'.repeat(29)}end` })
  })

  test('Alt-Enter and a backslash at the end make a new line', () => {
    const screen = TestScreen.ready(80, 24).open('bob')
    screen.type('one', '\u001b\r', 'two\\\r', 'three\r')
    expect(screen.take()).toContainEqual({ do: 'send', peer, text: 'one\ntwo\nthree' })
  })

  test('Tab completes commands and names, and goes through several', () => {
    const screen = TestScreen.ready(80, 24, [row('bob'), row('bobby')])
    screen.type('/direc', '\t')
    expect(screen.lines.at(-1)).toBe('Peer (name, number, address or host): /directories')
    screen.type('\u0015', 'b\t')
    expect(screen.lines.at(-1)).toBe('Peer (name, number, address or host): bob')
    expect(screen.text).toContain('bob  bobby')
    screen.type('\t', '\t')
    expect(screen.lines.at(-1)).toBe('Peer (name, number, address or host): bobby')
  })

  test('Ctrl-R finds what was typed before', () => {
    const screen = TestScreen.ready(80, 24).open('bob').type('first thing\r', 'second thing\r')
    screen.take()
    screen.type('\u0012', 'thing', '\u0012')
    expect(screen.lines.at(-1)).toBe('(input history) thing: first thing')
    screen.type('\r')
    expect(screen.take()).toContainEqual({ do: 'send', peer, text: 'first thing' })
  })

  test('a command shows its usage while it is typed', () => {
    expect(TestScreen.ready(80, 24).type('/na').text).toContain('/name NICKNAME: change your nickname')
  })

  test('Ctrl-C once warns, twice leaves, and not when something was typed in between', () => {
    const screen = TestScreen.ready(80, 24).open('bob').type('half', '\u0003')
    expect(screen.text).toContain('Press Ctrl-C again to leave at once')
    expect(screen.lines.at(-1)).toBe('You:')
    screen.type('x', '\u0003')
    expect(screen.take().filter((effect) => effect.do === 'quit')).toEqual([])
    screen.type('\u0003')
    expect(screen.take()).toContainEqual({ do: 'quit', outcome: 'interrupted' })
  })

  test('a clock that is set back by an hour keeps nothing for that hour', () => {
    const screen = TestScreen.ready(80, 24).open('bob').type('\u0003')
    screen.tell({ is: 'typing', peer })
    screen.type('h')
    expect(screen.text).toContain('bob is typing')
    expect(screen.take()).toContainEqual({ do: 'typing', peer })
    screen.type('\u0003')
    screen.nowMs -= 3_600_000
    screen.tell({ is: 'tick' })
    expect(screen.text).not.toMatch(/is typing|Ctrl-C again/u)
    screen.type('h')
    expect(screen.take()).toContainEqual({ do: 'typing', peer })
  })

  test('"is typing" ends with the message, or within 3 s after the last key', () => {
    const screen = TestScreen.ready(80, 24).open('bob').tell({ is: 'typing', peer })
    screen.tell({ is: 'message', message: received('hello'), name: 'bob' })
    expect(screen.text).not.toContain('is typing')
    screen.tell({ is: 'typing', peer })
    screen.nowMs += 2_900
    expect(screen.tell({ is: 'tick' }).text).toContain('bob is typing')
    screen.nowMs += 100
    expect(screen.tell({ is: 'tick' }).text).not.toContain('is typing')
  })

  test('a typing notice goes out each second, and at once after a message', () => {
    const screen = TestScreen.ready(80, 24).open('bob')
    const isTold = (text: string, afterMs: number): boolean => {
      screen.nowMs += afterMs
      screen.tell({ is: 'input', input: { is: 'text', text } })
      return screen.take().some((effect) => effect.do === 'typing')
    }
    expect(isTold('h', 0)).toBe(true)
    expect(isTold('e', 900)).toBe(false)
    expect(isTold('y', 100)).toBe(true)
    screen.tell({ is: 'input', input: { is: 'key', key: 'Enter' } })
    expect(screen.take()).toContainEqual({ do: 'send', peer, text: 'hey' })
    expect(isTold('w', 10)).toBe(true)
  })

  test("typing EXIT sends no typing notice; other words do, once they can't become EXIT", () => {
    const screen = TestScreen.ready(80, 24).open('bob')
    screen.type(...'EXIT')
    expect(screen.take()).toEqual([])
    screen.type('\u0015', ...'EXCELLENT')
    expect(screen.take()).toContainEqual({ do: 'typing', peer })
  })

  test.each<ScreenEvent>([
    { is: 'left', peer },
    { is: 'connection', peer, state: { name: 'closed' } }
  ])('a peer that is gone does not type: $is', (event) => {
    const screen = TestScreen.ready(80, 24).open('bob')
    screen.tell({ is: 'typing', peer })
    expect(screen.text).toContain('bob is typing')
    expect(screen.tell(event).text).not.toContain('is typing')
  })

  test('Ctrl-C stops what takes long, and leaves what does not stop', () => {
    const screen = TestScreen.ready(80, 24).type('bob\r', 'typed ahead\r')
    screen.take()
    screen.type('\u0003')
    expect(screen.take()).toEqual([{ do: 'stop' }])
    screen.type('\u0003', '\u0003')
    expect(screen.take()).toContainEqual({ do: 'quit', outcome: 'interrupted' })
  })

  test('Ctrl-C does not wait for the last words', () => {
    const screen = TestScreen.ready(80, 24).type('QUIT\r', '\u0003')
    expect(screen.take()).toContainEqual({ do: 'quit', outcome: 'interrupted' })
  })

  test('/settings shows those of the program as they were told', () => {
    const screen = TestScreen.ready(80, 24)
    screen.tell({ is: 'settings', lines: ['name                 "anna"                   profile'] })
    expect(screen.type('/settings\r').text).toMatch(/│ +name +"anna" +profile/u)
  })

  test('Escape and a letter right after it are not Alt and the letter where that means nothing', () => {
    const screen = TestScreen.ready(80, 24).open('bob').type('/settings\r')
    expect(screen.text).toContain('Settings')
    screen.type('\u001b/who')
    expect(screen.lines.at(-1)).toBe('You: /who')
  })

  test('the flow of the case study: host, port, a message, EXIT, QUIT', () => {
    const screen = TestScreen.ready(80, 24, [])
    screen.type('192.168.1.7\r')
    expect(screen.lines.at(-1)).toBe('Port:')
    screen.type('4001\r')
    expect(screen.take().at(-1)).toMatchObject({ do: 'open', words: ['192.168.1.7', '4001'] })
    screen.open('bob').type('hello\r', 'EXIT\r')
    expect(screen.take().at(-1)).toMatchObject({ do: 'command', name: 'exit', current: peer })
    screen.tell({ is: 'result', result: { is: 'left', peer, name: 'bob' } }).tell({ is: 'done' })
    screen.type('QUIT\r')
    expect(screen.take().at(-1)).toEqual({ do: 'quit', outcome: 'quit' })
  })

  test('EXIT and QUIT that come in one read, from a slow line or a script, leave and end', () => {
    const screen = TestScreen.ready(80, 24).open('bob').type('EXIT\rQUIT\r')
    expect(screen.take()).toMatchObject([{ do: 'command', name: 'exit' }])
    screen.tell({ is: 'result', result: { is: 'left', peer, name: 'bob' } }).tell({ is: 'done' })
    expect(screen.take()).toMatchObject([{ do: 'quit', outcome: 'quit' }])
    // As part of a text they are text.
    screen.open('bob').type('how to leave:\rEXIT\rQUIT\r')
    expect(screen.take()).not.toContainEqual(expect.objectContaining({ do: 'command' }))
  })

  test('what is typed while a conversation is being opened is for that conversation', () => {
    const screen = TestScreen.ready(80, 24).type('bob\r', 'hello\r', 'and')
    expect(screen.take().filter((effect) => effect.do === 'send')).toEqual([])
    screen.open('bob')
    expect(screen.take()).toContainEqual({ do: 'send', peer, text: 'hello' })
    expect(screen.lines.at(-1)).toBe('You: and')
  })

  test('what could not be stored comes back to where it was typed', () => {
    const screen = TestScreen.ready(80, 24).open('bob').type('important\r')
    screen.tell({ is: 'unsent', peer, text: 'important' })
    expect(screen.lines.at(-1)).toBe('You: important')
  })
})

describe('the mouse', () => {
  test('a click in the side list opens that peer, a click beside it none; the wheel scrolls', () => {
    const screen = TestScreen.ready(80, 24, [row('bob'), row('carl')])
    const press = (column: number, line: number) =>
      screen.tell({ is: 'input', input: { is: 'mouse', what: 'press', column, row: line } })
    press(3, 2)
    expect(screen.take().at(-1)).toMatchObject({ do: 'open', words: ['12D3KooWcarl'] })
    screen.tell({ is: 'done' })
    press(50, 2)
    press(3, 12)
    expect(screen.take()).toEqual([])
    const entries = Array.from({ length: 100 }, (_, index) => entry(index, `message ${index}`))
    screen.open('bob', entries).tell({ is: 'input', input: { is: 'mouse', what: 'wheel up', column: 50, row: 5 } })
    expect(screen.lines.at(-3)).toMatch(/message 96$/u)
  })
})

describe('the history', () => {
  const entries = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => entry(from + index, `message ${from + index}`))

  test('is read page by page while one scrolls up, and again on the way down, with no gap and no message twice', () => {
    const total = 2000
    const screen = TestScreen.ready(80, 24).open('bob', entries(total - PAGE_MESSAGES, PAGE_MESSAGES))
    const seen = new Set<number>()
    const look = (): void => {
      for (const [, number] of screen.text.matchAll(/message (\d+)$/gmu)) seen.add(Number(number))
    }
    const serve = (): void => {
      for (const effect of screen.take()) {
        if (effect.do !== 'page') continue
        const { where, limit, before = total, after } = effect
        const first = after === undefined ? Math.max(0, before - limit) : after + 1
        const count = after === undefined ? before - first : Math.min(limit, total - first)
        screen.tell({ is: 'page', peer, where, limit, entries: entries(first, count) })
      }
    }
    look()
    for (let page = 0; page < 150; page++) {
      screen.type('\u001b[5~')
      serve()
      look()
    }
    expect(screen.lines[2]).toMatch(/message 0$/u)
    expect(seen.size).toBe(total)
    expect(screen.state.window.items.length).toBeLessThanOrEqual(MAX_WINDOW_MESSAGES)
    seen.clear()
    for (let page = 0; page < 150; page++) {
      look()
      screen.type('\u001b[6~')
      serve()
    }
    look()
    expect(seen.size).toBe(total)
    expect(screen.lines.at(-3)).toMatch(/message 1999$/u)
    expect(screen.state.window.anchor.at).toBe('end')
  })

  test('what comes while one reads further up does not move it, and is counted', () => {
    const screen = TestScreen.ready(80, 24).open('bob', entries(0, 100)).type('\u001b[5~')
    const before = screen.lines.slice(1, -2)
    for (let index = 0; index < 3; index++) screen.tell({ is: 'message', message: received('news'), name: 'bob' })
    expect(screen.lines.slice(1, -2)).toEqual(before)
    expect(screen.text).toContain('↓ 3 new below (End)')
    screen.type('\u001b[F')
    expect(screen.lines.at(-3)).toMatch(/news$/u)
  })

  test('does not grow in memory however much comes', () => {
    const screen = TestScreen.ready(80, 24).open('bob')
    for (let index = 0; index < MAX_WINDOW_MESSAGES + 500; index++) {
      screen.tell({ is: 'message', message: received(`m ${index}`), name: 'bob' })
    }
    expect(screen.state.window.items.length).toBeLessThanOrEqual(MAX_WINDOW_MESSAGES)
    // What was let go is read again, with its positions.
    screen.type('\u001b[5~'.repeat(40))
    expect(screen.take()).toContainEqual(expect.objectContaining({ do: 'page', where: 'older' }))
  })

  test('Ctrl-S goes to the last message with the words, again to an older one, and Escape back to the end', () => {
    const screen = TestScreen.ready(80, 24).open('bob', entries(100, 100)).type('\u0013', 'needle\r')
    expect(screen.take()).toContainEqual({ do: 'search', peer, words: 'needle' })
    screen.tell({ is: 'found', peer, words: 'needle', positions: [50, 10] })
    expect(screen.take()).toContainEqual({ do: 'jump', peer, position: 50 })
    screen.tell({ is: 'jumped', peer, position: 50, entries: entries(0, 101) })
    // In the middle, with what was said before and after.
    expect(screen.text).toMatch(/message 45\n[^]*message 50\n[^]*message 55\n/u)
    expect(screen.text).toMatch(/Ctrl-S: older, Alt-S: newer, Esc: back to the end$/mu)
    expect(screen.text).toContain('1 of 2 with "needle"')
    screen.type('\u0013')
    expect(screen.take()).toContainEqual({ do: 'jump', peer, position: 10 })
    screen.tell({ is: 'jumped', peer, position: 10, entries: entries(0, 61) })
    screen.type('\u001b')
    expect(screen.take()).toContainEqual(expect.objectContaining({ do: 'page', where: 'end' }))
  })

  test('a long message is known by its first lines in a list of hits', () => {
    const screen = TestScreen.ready(80, 24)
    const long = { ...entry(1, Array.from({ length: 60 }, (_, line) => `line ${line}`).join('\n')), name: 'bob' }
    screen.tell({ is: 'result', result: { is: 'found', words: 'line', hits: [long, long] } })
    expect(screen.text.match(/line 1$/gmu)).toHaveLength(2)
    expect(screen.text).not.toMatch(/line 9$/mu)
  })

  test('a page, or a place, that comes after one has gone elsewhere changes nothing', () => {
    const screen = TestScreen.ready(80, 24).open('bob', entries(900, 100)).type('\u001b[5~', '\u001b[5~', '\u001b[5~')
    const [asked] = screen.take().filter((effect) => effect.do === 'page')
    expect(asked).toMatchObject({ where: 'older', before: 900 })
    screen
      .open('bob', entries(900, 100))
      .tell({ is: 'page', peer, where: 'older', limit: 100, entries: entries(700, 100) })
    screen.tell({ is: 'jumped', peer, position: 50, entries: entries(0, 101) })
    expect(screen.state.window.items).toHaveLength(100)
    expect(screen.lines.at(-3)).toMatch(/message 999$/u)
  })

  test('a delivery reported before send() returns its message is not lost', () => {
    const screen = TestScreen.ready(80, 24).open('bob')
    const message = written('quick')
    screen.tell({ is: 'delivery', message: { ...message, state: 'delivered' } })
    screen.tell({ is: 'sent', message, name: 'bob' })
    expect(screen.text).toMatch(/✓ {2}You +quick/u)
  })

  test('what a note quotes cannot look like a line of its own', () => {
    const screen = TestScreen.ready(80, 24)
    screen.tell({ is: 'status', text: 'bob says: hi\nWARNING: type your password', tone: 'note' })
    expect(screen.text).toContain('bob says: hi␤WARNING')
  })

  test('what failed says why, and is a warning in words', () => {
    const screen = TestScreen.ready(80, 24).open('bob')
    screen.tell({ is: 'sent', message: { ...written('lost', 'failed'), reason: 'it waited for 30 days' }, name: 'bob' })
    expect(screen.text).toContain('(not delivered: it waited for 30 days)')
  })
})

describe('being told', () => {
  const notified = (screen: TestScreen): unknown[] => screen.take().filter((effect) => effect.do === 'notify')
  const say = (screen: TestScreen, text: string): TestScreen =>
    screen.tell({ is: 'message', message: received(text), name: 'bob' })

  test('of what one does not see, and not of what one looks at', () => {
    const screen = TestScreen.ready(80, 24)
    expect(notified(say(screen, 'hi'))).toHaveLength(1)
    screen.open('bob')
    expect(notified(say(screen, 'hi'))).toHaveLength(0)
    screen.tell({ is: 'input', input: { is: 'focus', focused: false } })
    expect(notified(say(screen, 'hi'))).toEqual([{ do: 'notify', title: 'bob', text: 'hi' }])
  })

  test('as it was chosen: by conversation, by name, by hour', () => {
    const screen = TestScreen.ready(80, 24).open('bob').type('/notify mentions\r')
    screen.tell({ is: 'input', input: { is: 'focus', focused: false } })
    expect(notified(say(screen, 'hello'))).toHaveLength(0)
    expect(notified(say(screen, 'hello anna!'))).toHaveLength(1)
    expect(notified(say(screen, 'hosanna'))).toHaveLength(0)
    screen.type('/quiet 14:00-15:00\r')
    expect(notified(say(screen, 'anna?'))).toHaveLength(0)
    screen.type('/quiet off\r', '/notify none\r')
    expect(notified(say(screen, 'anna?'))).toHaveLength(0)
  })

  test('without anything in it that acts on a terminal', () => {
    const screen = TestScreen.ready(80, 24)
    expect(notified(say(screen, '\u001b]0;evil\u0007 \u202e'))).toEqual([
      { do: 'notify', title: 'bob', text: '␛]0;evil␇ ' }
    ])
  })
})
