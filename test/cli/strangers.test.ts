// A stranger that is named by what anybody can take is read before it is accepted,
// and one that goes by a contact's name is never taken for the contact: in plain
// lines, on the whole screen, and in every command that does something to a person.
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { eventually } from '../eventually.ts'
import { chatCommands } from '../../src/cli/chat-commands/chat-commands.ts'
import { EffectRunner } from '../../src/cli/tui/effect-runner.ts'
import type { ScreenEvent } from '../../src/cli/tui/model/events.ts'
import { NodeNews } from '../../src/cli/tui/node-news.ts'
import { Pipe } from '../../src/cli/plain/pipe.ts'
import { PlainFace } from '../../src/cli/plain/plain-face.ts'
import { FakeNode, incoming, row } from './fake-node.ts'
import { TestScreen } from './tui/screen.ts'

const real = '12D3KooWreal'
const owner = { peer: real, name: 'bob', shortId: 'realID', verified: true, own: false }

/** With a request of mallory, a peer that looks like the contact bob, and that contact. */
function town(): FakeNode {
  const node = new FakeNode()
  node.rows = [
    row('mallory'),
    row('b0b', { sameNameAs: owner }),
    row('bob', { peer: real, shortId: 'realID', host: '192.168.1.9', contact: true })
  ]
  node.known = [{ peer: real, name: 'bob', sinceMs: 0, addresses: [] }]
  node.held.set('12D3KooWmallory', [incoming('may I?', '12D3KooWmallory'), incoming('please', '12D3KooWmallory')])
  node.waiting = [{ peer: '12D3KooWmallory', name: 'mallory', shortId: 'mallory', lastText: 'please', count: 2 }]
  node.trusts.set('12D3KooWb0b', { sameNameAs: owner })
  return node
}

function plain(node: FakeNode) {
  const input = new PassThrough()
  const output = new PassThrough()
  let written = ''
  output.on('data', (chunk: Buffer) => (written += chunk.toString()))
  const face = new PlainFace({ node, terminal: new Pipe(input, output) })
  const ended = face.run()
  return {
    /** All output once these lines were read. */
    typed: async (...lines: readonly string[]): Promise<string> => {
      await eventually(() => expect(written).toContain('Peer ('))
      input.end(lines.map((line) => `${line}\n`).join(''))
      await ended
      return written
    }
  }
}

const decisions = (node: FakeNode): string[] =>
  node.calls.filter((call) => /^(?:open|accept|block|ignore|send|verify|unverify|forget)/u.test(call))

describe('in plain lines', () => {
  test.each(['1', 'mallory'])('%s shows the request of a stranger and accepts nothing', async (typed) => {
    const node = town()
    const text = await plain(node).typed(typed)
    expect(text).toMatch(
      /Request from mallory \(malloryID\), 2 messages:\nmallory: may I\?\nmallory: please\nType yes /u
    )
    expect(decisions(node)).toEqual([])
  })

  test('yes right after it opens the conversation, and after anything else it is another word', async () => {
    const node = town()
    await plain(node).typed('1', 'yes')
    expect(decisions(node)).toEqual(['open mallory'])
    const other = town()
    await plain(other).typed('1', '/who', 'yes')
    expect(decisions(other)).toEqual([])
  })

  test("choosing a peer that uses a contact's name asks with both IDs", async () => {
    const node = town()
    const text = await plain(node).typed('b0b')
    expect(text).toMatch(/WARNING: b0b \(b0bID\) is not your verified contact bob \(realID\)[^]*Type yes /u)
    expect(decisions(node)).toEqual([])
    const agreed = town()
    await plain(agreed).typed('2', 'yes')
    expect(decisions(agreed)).toEqual(['open b0b'])
  })

  test('host and port, or an ID, choose at once', async () => {
    for (const [line, name] of [
      ['12D3KooWmallory', 'mallory'],
      ['12D3KooWb0b', 'b0b'],
      ['192.168.1.9 4001', 'bob']
    ] as const) {
      const node = town()
      await plain(node).typed(line)
      expect(decisions(node), line).toEqual([`open ${name}`])
    }
  })

  test('/accept and /msg of what was not read show it first', async () => {
    const node = town()
    const text = await plain(node).typed('/msg 1 hello', '/accept 1', '/msg 2 secret')
    expect(text).toContain('Nothing was sent: /msg 1 TEXT accepts it and sends.')
    expect(text).toContain('mallory is accepted.')
    expect(text).toContain('Nothing was sent: /msg b0bID TEXT sends anyway.')
    expect(decisions(node)).toEqual(['accept mallory'])
  })

  test('a message that came after it was read is read before it is accepted', async () => {
    const node = town()
    const shown: string[] = []
    const read = node.readRequest.bind(node)
    node.readRequest = async (peer) => {
      const messages = await read(peer)
      shown.push(`${messages.length}`)
      node.held.set(peer, [...messages, incoming('and now?', peer)])
      return messages
    }
    await plain(node).typed('/accept 1', '/accept 1')
    expect(shown).toEqual(['2', '3'])
    expect(decisions(node)).toEqual([])
  })

  test('the warning stands below what was said before', async () => {
    const node = town()
    node.past = Array.from({ length: 20 }, (_, n) => incoming(`line ${n}`, '12D3KooWb0b'))
    const lines = (await plain(node).typed('12D3KooWb0b')).split('\n')
    const warning = lines.findIndex((line) =>
      line.startsWith('WARNING: b0bID is not your verified contact bob (realID)')
    )
    expect(warning).toBeGreaterThan(lines.findIndex((line) => line === 'b0b: line 19'))
  })
})

describe('what does something to a person', () => {
  const acts = ['accept', 'ignore', 'block', 'confirm', 'unverify', 'cancel', 'forget'] as const

  test.each(acts)('/%s takes no name that could mean another one, and names both IDs', async (act) => {
    const node = town()
    const forgotten = vi.fn(async () => 0)
    node.history.forget = forgotten
    for (const name of ['bob', 'b0b', 'B O B']) {
      const text = await plain(Object.assign(town(), { history: node.history, calls: node.calls })).typed(
        `/${act} ${name}`
      )
      expect(text, name).not.toMatch(/is (?:accepted|ignored|blocked|verified)/u)
    }
    const text = await plain(node).typed(`/${act} bob`)
    expect(text).toMatch(/"bob" can mean bob \(realID\), b0b \(b0b\): give the peer ID/u)
    expect(decisions(node)).toEqual([])
    expect(forgotten).not.toHaveBeenCalled()
  })

  test('is done to the peer that the ID names, and says so with the ID', async () => {
    const node = town()
    const text = await plain(node).typed('/block 12D3KooWb0b', '/ignore 12D3KooWmallory')
    expect(text).toContain('mallory is ignored silently.')
    expect(decisions(node)).toEqual(['block b0b', 'ignore mallory'])
  })

  test('a contact is not ignored, and what can be done instead is said, also in its open conversation', async () => {
    const told =
      /bob \(real\) is a contact, and only strangers are ignored: nothing has changed\. \/remove real [^]*\/block real refuses/u
    for (const lines of [[`/ignore ${real}`], [real, '/ignore']]) {
      const node = town()
      const text = await plain(node).typed(...lines)
      expect(text).toMatch(told)
      expect(text).not.toContain('is ignored silently')
      expect(node.calls).not.toContain('ignore bob')
      expect(node.calls).not.toContain('leave bob')
    }
  })

  test('is asked about where it ends what one has: the same line again does it', async () => {
    const node = town()
    const text = await plain(node).typed(`/block ${real}`)
    expect(text).toMatch(/bob \(real\) is a contact: blocking ends that[^]*Type \/block 12D3KooWreal again to do it\./u)
    expect(decisions(node)).toEqual([])
    const again = town()
    await plain(again).typed(`/block ${real}`, `/block ${real}`)
    expect(decisions(again)).toEqual(['block bob'])
  })

  test('by a program is done at once, without a question', async () => {
    const node = town()
    const block = chatCommands.find(({ name }) => name === 'block')
    const resolve = async (words: readonly string[]) => node.resolve(words)
    expect(await block?.run({ node, current: undefined, resolve }, { peer: [real] })).toMatchObject({ is: 'blocked' })
  })
})

describe('on the whole screen', () => {
  async function desk(node: FakeNode, columns = 80) {
    const screen = TestScreen.ready(columns, 24, node.rows)
    const dispatch = (event: ScreenEvent): void => void screen.tell(event)
    const news = new NodeNews({ node, dispatch })
    const runner = new EffectRunner({ node, news, dispatch, state: () => screen.state })
    news.lookAround()
    await news.askRequests()
    screen.take()
    return {
      screen,
      /** The text of the screen once all that was typed is done. */
      typed: async (...reads: readonly string[]): Promise<string> => {
        for (const read of reads) {
          screen.type(read)
          for (let rounds = 0; rounds < 20; rounds++) {
            for (const effect of screen.take())
              if (effect.do === 'open' || effect.do === 'command') runner.start(effect)
            await turn()
          }
        }
        return screen.text
      }
    }
  }

  test.each([['1\r'], ['mallory\r'], ['\u001b1']])('%j opens the panel of a request; a accepts', async (keys) => {
    const node = town()
    const { typed } = await desk(node)
    expect(await typed(keys)).toMatch(
      /mallory \(malloryID\), 2 messages:[^]*may I\?[^]*please[^]*a accepts, i ignores, b blocks/u
    )
    expect(decisions(node)).toEqual([])
    await typed('a')
    expect(decisions(node)).toEqual(['open mallory'])
  })

  test("choosing a peer that uses a contact's name asks with both IDs, and y opens", async () => {
    const node = town()
    const { typed } = await desk(node)
    expect(await typed('2\r')).toMatch(
      /b0b \(b0bID\) is not your verified contact bob\s[^]*\(realID\): it has another key/u
    )
    expect(await typed('\u001b')).not.toContain('is not your verified contact')
    expect(decisions(node)).toEqual([])
    await typed('2\r', 'y')
    expect(decisions(node)).toEqual(['open b0b'])
  })

  test('its ID stands at the side under its name, and a click on it goes there', async () => {
    const { screen } = await desk(town())
    expect(screen.text).toMatch(/● b0b !.*\n {5}b0bID {2}/u)
    const at = screen.lines.findIndex((line) => line.startsWith('     b0bID'))
    screen.type(`\u001b[<0;8;${at + 1}M`)
    expect(screen.take()).toContainEqual({ do: 'open', words: ['12D3KooWb0b'], leaving: undefined, isPicked: true })
  })

  test('the warning about the open conversation stands above the input, however much was said', async () => {
    const { screen } = await desk(town())
    const said = Array.from({ length: 30 }, (_, n) => ({ position: n, message: incoming(`line ${n}`, '12D3KooWb0b') }))
    screen.open('b0b', said)
    expect(screen.lines.at(-3)).toBe(' ! b0b (b0bID) is not your verified contact bob (realID)')
  })

  test('20 messages of a stranger are one up-to-date row in a conversation with another peer', async () => {
    const node = town()
    const { screen } = await desk(node)
    screen.open('bob')
    screen.take()
    for (let count = 1; count <= 20; count++) {
      const lastText = `${count} `.padEnd(300, 'x')
      node.tell('request', { peer: 'eve', name: 'eve of the long name', shortId: 'eveIDeveID12', lastText, count })
    }
    const told = screen.lines.filter((line) => line.includes('eveIDeveID12'))
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/eve of th… \(eveIDeveID12\) asks, 20 messages: \/read \d+/u)
    expect(screen.lines.filter((line) => line.includes('xxx'))).toHaveLength(0)
    expect(screen.take().filter((effect) => effect.do === 'notify')).toHaveLength(1)
  })
})

describe('every line about a peer with a shared name', () => {
  test('has its ID and mark, and its answer reaches that peer only', async () => {
    const node = town()
    node.rows = [
      row('bob', { peer: real, shortId: 'realID', contact: true }),
      row('bob', { peer: '12D3KooWevil', shortId: 'evilID', sameNameAs: owner })
    ]
    const impostor = '12D3KooWevil'
    node.trusts.set(impostor, { sameNameAs: owner })
    node.trusts.set(real, { sharesNameWith: { peer: impostor, name: 'bob', shortId: 'evil' } })
    node.waiting = []
    const text = await (async () => {
      const input = new PassThrough()
      const output = new PassThrough()
      let written = ''
      output.on('data', (chunk: Buffer) => (written += chunk.toString()))
      const face = new PlainFace({ node, terminal: new Pipe(input, output) })
      const ended = face.run()
      await eventually(() => expect(written).toContain('Peer ('))
      node.tell('entered', { peer: impostor, name: 'bob' })
      node.tell('entered', { peer: real, name: 'bob' })
      node.tell('message', { message: incoming('hi', real), name: 'bob', arrival: 'accepted' })
      input.end()
      await ended
      return written
    })()
    expect(text).toContain('! bob (evil) has opened a conversation with you: type 2 to answer.')
    expect(text).toContain('bob (real) has opened a conversation with you: type 1 to answer.')
    expect(text).toContain('[1 bob (real)]: hi')

    const screen = TestScreen.ready(80, 24, node.rows)
    const news = new NodeNews({ node, dispatch: (event) => void screen.tell(event) })
    news.lookAround()
    node.tell('entered', { peer: impostor, name: 'bob' })
    expect(screen.text.replace(/\s*\n[^│]*│\s*/gu, ' ')).toContain(
      '! bob (evil) has opened a conversation with you: type 2 to answer.'
    )
    const target = { peer: impostor, name: 'bob', shortId: 'evilID', by: 'id' } as const
    screen.tell({ is: 'opened', target, trust: { sameNameAs: owner }, entries: [], state: { name: 'closed' } })
    screen.tell({ is: 'message', message: incoming('let me in', impostor), name: 'bob' })
    expect(screen.text).toMatch(/! bob +let me in/u)
  })

  test('two strangers with one name are marked against each other, and the mark names the other', async () => {
    const node = town()
    const [one, other] = [
      { peer: '12D3KooWone', name: 'eve', shortId: 'oneID' },
      { peer: '12D3KooWother', name: 'eve', shortId: 'otherID' }
    ] as const
    node.rows = [row('eve', { ...one, sharesNameWith: other }), row('eve', { ...other, sharesNameWith: one })]
    const text = await plain(node).typed('/who')
    expect(text).toMatch(/oneID .* {2}! not eve \(otherID\): another key/u)
    expect(text).toMatch(/otherID .* {2}! not eve \(oneID\): another key/u)
    expect(TestScreen.ready(80, 24, node.rows).text).toMatch(/● eve !.*\n {5}oneID.*\n.*● eve !.*\n {5}otherID/u)
  })
})

describe('a contact with a name of one’s own', () => {
  test('bears it in the lists, with the one that it claims beside it', async () => {
    const node = town()
    node.rows = [row('bob', { peer: real, shortId: 'realID', name: 'Robert', contact: true })]
    node.known = [{ peer: real, name: 'Robert', claimedName: 'bob', sinceMs: 0, addresses: [] }]
    const text = await plain(node).typed('/contacts', '/rename 1 "Bob of the mill"')
    expect(text).toMatch(/ 1 {2}Robert +realID .*\(calls itself bob\)/u)
    expect(text).toContain(`Robert  ${real}  (calls itself bob)`)
    expect(node.calls).toContain('rename bob "Bob of the mill"')
  })

  test('keeps it when /rename is given one word, which may be meant for the open conversation', async () => {
    const node = town()
    node.rows = [row('bob', { peer: real, shortId: 'realID', name: 'Robert', contact: true })]
    node.known = [{ peer: real, name: 'Robert', claimedName: 'bob', sinceMs: 0, addresses: [] }]
    const text = await plain(node).typed('/rename Robert')
    expect(text).toContain(
      'NAME is missing: /rename PEER NAME gives a contact a name of your own, /rename Robert clear removes it'
    )
    expect(node.calls.filter((call) => call.startsWith('rename'))).toEqual([])
    await plain(node).typed('/rename 1 clear')
    expect(node.calls.filter((call) => call.startsWith('rename'))).toEqual(['rename bob '])
  })

  test('on the whole screen has it at once where its conversation is open', () => {
    const screen = TestScreen.ready(80, 24, [row('bob', { contact: true })]).open('bob')
    screen.tell({
      is: 'around',
      roster: [row('bob', { contact: true, name: 'Robert' })],
      contacts: new Map([['12D3KooWbob', 'Robert']]),
      verified: new Set(),
      blocked: new Map(),
      directories: []
    })
    expect(screen.lines[0]).toContain(' Robert (bobID)')
  })
})
