import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { eventually } from '../eventually.ts'
import { untilStill } from '../wire/turns.ts'
import { JsonFace } from '../../src/cli/json/json-face.ts'
import { Pipe } from '../../src/cli/plain/pipe.ts'
import { PlainFace, type PlainFaceInit } from '../../src/cli/plain/plain-face.ts'
import { UsageError } from '../../src/node/settings.ts'
import { FakeNode, incoming, outgoing, row } from './fake-node.ts'

interface Driven {
  readonly node: FakeNode
  readonly input: PassThrough
  /** All lines of output so far. */
  lines(): string[]
  /** Resolves when the output holds this text. */
  shows(text: string): Promise<void>
}

function streams(node: FakeNode): Driven & { readonly output: PassThrough } {
  const input = new PassThrough()
  const output = new PassThrough()
  let written = ''
  output.on('data', (chunk: Buffer) => (written += chunk.toString()))
  return {
    node,
    input,
    output,
    lines: () => written.split('\n').slice(0, -1),
    shows: async (text) => eventually(() => expect(written).toContain(text))
  }
}

function plain(node: FakeNode, init: Partial<PlainFaceInit> = {}) {
  const driven = streams(node)
  const face = new PlainFace({ node, terminal: new Pipe(driven.input, driven.output), ...init })
  return { ...driven, face, ended: face.run() }
}

function json(node: FakeNode) {
  const driven = streams(node)
  const face = new JsonFace({ node, input: driven.input, output: driven.output })
  const events = (): Record<string, unknown>[] => driven.lines().map((line) => JSON.parse(line))
  return { ...driven, face, events, ended: face.run() }
}

const namesake = { peer: '12D3KooWbobs', name: 'bob', shortId: 'bobsID', verified: true, own: false }

describe('a conversation opened on plain lines', () => {
  it('says how many unread messages are above those that it shows', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    node.past = Array.from({ length: 50 }, (_, n) => incoming(`text ${n}`))
    const last = { position: 49, message: incoming('text 49') }
    node.summaries = [{ peer: '12D3KooWbob', unread: 35, last }]
    const chat = plain(node, { openFirst: ['bob'] })
    await chat.shows('Earlier (15 unread messages are above: /more shows them):')
    chat.face.end('interrupted')
    await chat.ended
  })
})

describe('while the node of a face is away', () => {
  const gone = (node: FakeNode): void => {
    node.lostAtMs = Date.now()
    node.history.waiting = async () => {
      throw Object.assign(new Error('the node of this profile has stopped'), { name: 'NodeGoneError' })
    }
  }

  it('plain lines show the roster and the directories as they were, and QUIT needs no node', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const chat = plain(node)
    await chat.shows('bobID')
    gone(node)
    chat.input.write('\n/directories\n')
    await chat.shows('No directory is known.')
    const heading = /^As it was \d+ s ago, when the connection to Parley was lost:$/u
    expect(chat.lines().filter((line) => heading.test(line))).toHaveLength(2)
    chat.input.write('/quit\n')
    expect(await chat.ended).toBe('quit')
    expect(chat.lines().join('\n')).not.toContain('has stopped')
  })

  it('JSON lines say since when the directories are as they were', async () => {
    const node = new FakeNode()
    const chat = json(node)
    await chat.shows('"ready"')
    gone(node)
    chat.input.write('{"do":"directories"}\n')
    await eventually(() => expect(chat.events().at(-1)).toMatchObject({ event: 'done', lostAtMs: node.lostAtMs }))
    chat.face.end('interrupted')
    await chat.ended
  })
})

describe('a conversation that was forgotten by another face', () => {
  it('is an event of JSON lines', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const chat = json(node)
    await chat.shows('"ready"')
    node.tell('forgotten', { peer: '12D3KooWbob' })
    await eventually(() =>
      expect(chat.events().at(-1)).toEqual({ event: 'forgotten', peer: '12D3KooWbob', name: 'bob' })
    )
    chat.face.end('interrupted')
    await chat.ended
  })

  it('is said on plain lines where it is open, and once where it was forgotten there', async () => {
    const node = new FakeNode()
    node.rows = [row('bob'), row('carl')]
    const forget = vi.fn(async (peer: string) => {
      node.tell('forgotten', { peer })
      return 2
    })
    node.history.forget = forget
    const chat = plain(node, { openFirst: ['bob'] })
    await chat.shows('Conversation with bob')
    node.tell('forgotten', { peer: '12D3KooWcarl' })
    node.tell('forgotten', { peer: '12D3KooWbob' })
    await chat.shows('All messages with bob were deleted on this machine, by another window or command.')
    chat.input.write('/forget bob\n/forget bob\n')
    await chat.shows('2 messages with bob are deleted here.')
    expect(forget).toHaveBeenCalledWith('12D3KooWbob')
    expect(chat.lines().filter((line) => /deleted on this machine, by/u.test(line))).toHaveLength(1)
    expect(chat.lines().join('\n')).not.toContain('with carl')
    chat.face.end('interrupted')
    await chat.ended
  })
})

describe('an address that has changed', () => {
  it('is reported in plain lines once; nothing is printed when others reach this node as before', async () => {
    const node = new FakeNode()
    const chat = plain(node)
    await chat.shows('Peer (name, number, address or host):')
    for (const host of ['192.168.1.9', '192.168.1.9']) node.moveTo(host)
    await chat.shows('You are now at host 192.168.1.9, port 4000.')
    chat.face.end('interrupted')
    await chat.ended
    expect(chat.lines().filter((line) => line.startsWith('You are now at'))).toHaveLength(1)
  })

  it('is a JSON event with the whole identity', async () => {
    const node = new FakeNode()
    const face = json(node)
    await face.shows('"ready"')
    node.moveTo('192.168.1.9')
    await face.shows('"self"')
    face.input.end()
    await face.ended
    const [event] = face.events().filter((one) => one['event'] === 'self')
    expect(event).toMatchObject({ peer: node.peerId, nickname: node.nickname, addresses: node.addresses() })
  })
})

describe('trust in a peer', () => {
  it('is said in plain lines at the top of a conversation, and loudly when a name comes with another key', async () => {
    const node = new FakeNode()
    node.rows = [row('bob', { sameNameAs: namesake }), row('carl')]
    node.trusts.set('12D3KooWbob', { sameNameAs: namesake })
    node.trusts.set('12D3KooWcarl', { verifiedSinceMs: 0 })
    const chat = plain(node)
    await chat.shows('Peer (name, number, address or host):')
    const key = { by: 'name', peer: '12D3KooWbob', was: namesake.peer, verified: true } as const
    node.tell('notice', { code: 'key-changed', text: 'another key', ...key })
    chat.input.write('bob\nyes\n')
    await chat.shows('Conversation with bob (bobID).')
    chat.input.write('EXIT\ncarl\n')
    await chat.shows('Conversation with carl (carlID, verified).')
    chat.face.end('interrupted')
    await chat.ended
    const lines = chat.lines()
    const loud = lines.indexOf('!!! WARNING: another key')
    expect([lines[loud - 1], lines[loud + 1]]).toEqual(['', ''])
    const top = lines.findIndex((line) => line.startsWith('Conversation with bob'))
    expect(lines[top + 1]).toMatch(/^WARNING: bobID is not your verified contact bob \(bobsID\)\./u)
  })

  it('is compared and confirmed in the open conversation', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const chat = plain(node)
    await chat.shows('Peer (name, number, address or host):')
    chat.input.write('bob\n/verify\n/confirm\n/unverify\n')
    await chat.shows('bob is no longer verified')
    chat.face.end('interrupted')
    await chat.ended
    const lines = chat.lines()
    expect(lines).toContain('    10000  10001  10002  10003')
    expect(lines).toContain('Safety number with bob (bob), not verified:')
    expect(lines.find((line) => line.includes('is now verified'))).toContain('To undo that, type /unverify')
    expect(node.calls.filter((call) => call.includes('verify'))).toEqual(['verify bob', 'unverify bob'])
  })

  it('does not hang on a name: of two blocked peers with one name none is let in by it', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    node.shut = ['one', 'two', 'three'].map((peer) => ({ peer, name: peer === 'three' ? 'bob' : 'mallory' }))
    const chat = json(node)
    for (const peer of ['mallory', 'bob']) chat.input.write(`${JSON.stringify({ do: 'unblock', peer })}\n`)
    chat.input.end(`${JSON.stringify({ do: 'blocked' })}\n`)
    await chat.ended
    const [, refused, done, list] = chat.events()
    expect(refused).toMatchObject({
      event: 'error',
      code: 'bad-arguments',
      message: expect.stringMatching(/one, two/u)
    })
    expect(done).toMatchObject({ event: 'done', peer: 'three', name: 'bob' })
    expect(list?.['blocked']).toEqual(node.shut)
  })

  it('is the same in JSON, where a nickname is never marked', async () => {
    const node = new FakeNode()
    node.rows = [row('bob', { sameNameAs: namesake, verified: false })]
    const chat = json(node)
    const bob = '12D3KooWbob'
    for (const command of [
      { do: 'verify', peer: 'bob' },
      { do: 'confirm', peer: 'bob', trustName: true },
      { do: 'open', peer: 'bob' }
    ])
      chat.input.write(`${JSON.stringify(command)}\n`)
    await chat.shows('"by":"nickname"')
    const key = { by: 'name', peer: bob, was: namesake.peer, verified: true } as const
    node.tell('notice', { code: 'key-changed', text: 'another key', ...key })
    chat.input.end()
    await chat.ended
    const [ready, shown, refused, opened, notice] = chat.events()
    expect(ready?.['roster']).toMatchObject([{ peer: bob, verified: false, blocked: false, sameNameAs: namesake }])
    expect(shown).toMatchObject({ event: 'done', peer: bob, verified: false, verifiedSinceMs: null, sameNameAs: null })
    expect(shown?.['safetyNumber']).toMatch(/^\d{5}( \d{5}){11}$/u)
    expect(refused).toMatchObject({ event: 'error', code: 'bad-arguments', message: expect.stringContaining(bob) })
    expect(opened).toMatchObject({ event: 'done', do: 'open', verified: false })
    expect(notice).toEqual({ event: 'notice', code: 'key-changed', text: 'another key', ...key })
    expect(node.calls).not.toContain('verify bob')
  })
})

describe('the plain face on a pipe', () => {
  it('prints what happens during the first look below its first screen, with the numbers shown there', async () => {
    const node = new FakeNode()
    node.rows = [row('anna'), row('bob')]
    node.firstLook = async () => {
      node.tell('entered', { peer: '12D3KooWbob', name: 'bob' })
      node.tell('notice', { code: 'learned-key', text: 'early' })
      node.tell('message', { message: incoming('hello'), name: 'bob', arrival: 'accepted' })
    }
    const chat = plain(node)
    await chat.shows('[2 bob]: hello')
    chat.face.end('interrupted')
    await chat.ended
    const lines = chat.lines()
    const first = lines.findIndex((line) => /^ {2}2 {2}bob /u.test(line))
    expect(first).toBeGreaterThan(1)
    expect(lines.slice(first + 1, first + 4)).toEqual([
      'bob has opened a conversation with you: type 2 or its name to answer.',
      'Note: early',
      '[2 bob]: hello'
    ])
  })

  it('reports in one line a peer that leaves the conversation and then the network', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const chat = plain(node)
    await chat.shows('Peer (name, number, address or host):')
    chat.input.write('bob\n')
    await chat.shows('Conversation with bob')
    const bob = { peer: '12D3KooWbob', name: 'bob' }
    node.tell('left', { ...bob, reason: 'left' })
    node.tell('left', { ...bob, reason: 'quit' })
    await chat.shows('bob has left the network')
    node.tell('left', { ...bob, reason: 'left' })
    node.tell('message', { message: incoming('wait'), name: 'bob', arrival: 'accepted' })
    await chat.shows('bob: wait')
    chat.face.end('interrupted')
    await chat.ended
    const told = chat.lines().filter((line) => line.startsWith('bob'))
    expect(told).toEqual([
      'bob has left the network; your messages wait. Type EXIT to return to the list.',
      'bob has left the conversation. Type EXIT to return to the list.',
      'bob: wait'
    ])
  })

  it('walks from being alone to a conversation, back to the list and out', async () => {
    const node = new FakeNode()
    const chat = plain(node)
    await chat.shows('Peer (name, number, address or host):')
    expect(chat.lines()).toEqual([
      'You are anna (selfID), host 192.168.1.2, port 4000.',
      'No directory is connected: you see only peers on the local network.',
      'Nobody else is online.',
      'Peer (name, number, address or host):'
    ])
    node.rows = [row('bob')]
    node.tell('roster', { joined: node.rows, left: [], changed: [] })
    await chat.shows('Online (1):')
    chat.input.write('192.168.1.7\n')
    await chat.shows('Port:')
    chat.input.write('4001\n')
    await chat.shows('Conversation with bob (bobID).')
    chat.input.write('hello\ntwo\\\nlines\nQUIT\n')
    node.tell('message', { message: incoming('hi anna'), name: 'bob', arrival: 'accepted' })
    await chat.shows('bob: hi anna')
    await eventually(() => expect(node.calls.filter((call) => call.startsWith('send'))).toHaveLength(3))
    node.tell('left', { peer: '12D3KooWbob', name: 'bob', reason: 'left' })
    await chat.shows('bob has left the conversation.')
    chat.input.write('EXIT\n')
    await chat.shows('You have left the conversation with bob.')
    chat.input.write('QUIT\n')
    expect(await chat.ended).toBe('quit')
    expect(node.calls).toEqual([
      'resolve 192.168.1.7 4001',
      'open bob',
      'send bob "hello"',
      'send bob "two\\nlines"',
      'send bob "QUIT"',
      'leave bob'
    ])
    expect(chat.lines().join('\n')).not.toContain('\u001b')
  })

  it('names a peer by the number it was shown with, also after others have gone', async () => {
    const node = new FakeNode()
    node.rows = [row('bob'), row('carol')]
    const chat = plain(node)
    await chat.shows('Peer (')
    node.rows = [row('carol')]
    node.tell('roster', { joined: [], left: [row('bob')], changed: [] })
    await chat.shows('bob (bobID) has gone.')
    chat.input.write('2\n')
    await chat.shows('Conversation with carol')
    chat.face.end('interrupted')
    expect(await chat.ended).toBe('interrupted')
  })

  it('says what is wrong with a line and reads the next one', async () => {
    const node = new FakeNode()
    const chat = plain(node)
    chat.input.end('nobody\n/nonsense\n/msg\n127.0.0.1\n99999\n\n')
    expect(await chat.ended).toBe('end of input')
    const text = chat.lines().join('\n')
    expect(text).toContain('no peer called nobody')
    expect(text).toContain('There is no command /nonsense')
    expect(text).toContain('PEER is missing: /msg PEER TEXT')
    expect(text).toContain('"99999" is not a port')
  })

  it('reports requests, other conversations and waiting own messages', async () => {
    const node = new FakeNode()
    node.rows = [row('bob'), row('carol')]
    node.sendState = 'pending'
    const chat = plain(node)
    await chat.shows('Peer (')
    node.waiting = [{ peer: 'mal', name: 'm\u001b[31m', shortId: 'malID', lastText: 'hi', count: 1 }]
    for (const request of node.waiting) node.tell('request', request)
    await chat.shows('REQUEST from m␛[31m (malID): hi — /read 3, /ignore 3, /block 3')
    for (let count = 0; count < 50; count++) node.tell('entered', { peer: '12D3KooWcarol', name: 'carol' })
    await chat.shows('carol has opened a conversation with you: type 2 or its name to answer.')
    chat.input.write('bob\nare you there\n')
    await chat.shows('… waiting: "are you there"')
    node.tell('message', { message: incoming('psst', '12D3KooWcarol'), name: 'carol', arrival: 'accepted' })
    await chat.shows('[2 carol]: psst')
    chat.input.end()
    expect(await chat.ended).toBe('end of input')
    expect(chat.lines().filter((line) => line.includes('has opened a conversation'))).toHaveLength(1)
  })

  it('shows what another command sends in the open conversation as if it had been typed, and only there', async () => {
    const node = new FakeNode()
    node.rows = [row('bob'), row('carol')]
    const chat = plain(node)
    await chat.shows('Peer (')
    chat.input.write('bob\nby hand\n')
    await eventually(() => expect(node.calls).toContain('send bob "by hand"'))
    const elsewhere = (text: string, peer: string) =>
      node.tell('sent', { message: outgoing(text, 'pending', peer), name: 'bob' })
    elsewhere('to carol', '12D3KooWcarol')
    elsewhere('the build\nis red', '12D3KooWbob')
    await chat.shows('    | is red')
    await chat.shows('… waiting: "the build')
    chat.input.end()
    await chat.ended
    const own = chat.lines().filter((line) => line.startsWith('You: ') || line.startsWith('    | '))
    expect(own).toEqual(['You: the build', '    | is red'])
    expect(chat.lines().join('\n')).not.toContain('to carol')
  })

  it('shows each waiting stranger once at the start, and a burst of messages as one line', async () => {
    const node = new FakeNode()
    const mal = { peer: 'mal', name: 'mal', shortId: 'malID', lastText: 'second', count: 2 }
    node.waiting = [mal, { ...mal, peer: 'eve', name: 'eve', shortId: 'eveID', lastText: 'hello', count: 1 }]
    node.firstLook = async () => {
      node.tell('request', { ...mal, lastText: 'first', count: 1 })
      node.tell('request', mal)
    }
    const chat = plain(node)
    await chat.shows('Peer (')
    // Of one who was told of just now nothing more is told for a while.
    node.tell('request', { ...mal, lastText: 'third', count: 3 })
    const joe = { ...mal, peer: 'joe', name: 'joe', shortId: 'joeID' }
    node.waiting = [{ ...joe, lastText: 'fourth' }, ...node.waiting]
    for (const lastText of ['third', 'fourth']) node.tell('request', { ...joe, lastText })
    await chat.shows('fourth')
    chat.input.end()
    await chat.ended
    expect(chat.lines().filter((line) => line.startsWith('REQUEST'))).toEqual([
      'REQUEST from eve (eveID): hello — /read 1, /ignore 1, /block 1',
      'REQUEST from mal (malID), 2 messages: second — /read 2, /ignore 2, /block 2',
      'REQUEST from joe (joeID), 2 messages: fourth — /read 3, /ignore 3, /block 3'
    ])
  })

  it('settles what was sent and sends an unfinished message before the end of input ends it', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    node.sendState = 'pending'
    const settled = vi.spyOn(node, 'settled')
    const chat = plain(node)
    chat.input.end('bob\nfirst\nsecond\\')
    expect(await chat.ended).toBe('end of input')
    expect(node.calls).toContain('send bob "second"')
    expect(settled).toHaveBeenCalledTimes(2)
    expect(chat.lines().join('\n')).not.toContain('not been delivered')
  })

  it('opens straight into a conversation when told to, also with a name that comes a moment later', async () => {
    const node = new FakeNode()
    const chat = plain(node, { openFirst: ['bob'] })
    await chat.shows('Nobody else is online.')
    node.rows = [row('bob')]
    node.tell('roster', { joined: node.rows, left: [], changed: [] })
    await chat.shows('Conversation with bob')
    chat.input.end()
    await chat.ended
  })

  it('ends with the reason when that can not be opened', async () => {
    const node = new FakeNode()
    vi.spyOn(node, 'resolve').mockRejectedValue(new UsageError('that is no address'))
    await expect(plain(node, { openFirst: ['x'] }).ended).rejects.toThrow('that is no address')
  })
})

describe('the words of the plain face', () => {
  it('takes /block and /ignore without PEER for the open conversation, not for a waiting stranger', async () => {
    const node = new FakeNode()
    node.rows = [row('bob'), row('mal')]
    node.waiting = [{ peer: '12D3KooWmal', name: 'mal', shortId: 'malID', lastText: 'hi', count: 1 }]
    const chat = plain(node)
    chat.input.end('bob\n/block\n/block\nbob\n/ignore\n/help\n')
    await chat.ended
    expect(node.calls.filter((call) => /^(?:block|ignore)/u.test(call))).toEqual([
      'block bob',
      'block mal',
      'ignore bob'
    ])
    expect(chat.lines().find((line) => line.includes('/block [PEER]'))).toContain(
      'the open conversation, else the only request'
    )
  })

  it('says that there was nothing to cancel or to send again', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const chat = plain(node)
    chat.input.end('bob\n/cancel\n/retry\n')
    await chat.ended
    expect(chat.lines()).toContain('No messages are waiting for bob.')
    expect(chat.lines()).toContain('No message to bob has failed.')
  })

  it('sends exit and quit in lower case, and says how to leave', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const chat = plain(node)
    chat.input.end('bob\nexit\nI quit\nquit\n')
    await chat.ended
    expect(node.calls.filter((call) => call.startsWith('send'))).toHaveLength(3)
    const hint = '(sent as a message; EXIT in capitals leaves, /quit ends the program)'
    expect(chat.lines().filter((line) => line === hint)).toHaveLength(2)
  })

  it('starts over with the host that is typed where a port was asked for', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const chat = plain(node)
    chat.input.end('10.0.0.9\n192.168.1.7\n4001\nEXIT\n10.0.0.9\n192.168.1.7 4001\n')
    await chat.ended
    expect(node.calls.filter((call) => call.startsWith('resolve'))).toEqual(Array(2).fill('resolve 192.168.1.7 4001'))
  })

  it('leaves at the second Ctrl-C in a row, and not when something was typed in between', async () => {
    let press: (typedSince: boolean) => void = () => undefined
    class Keyboard extends Pipe {
      override onInterrupt(listener = press): void {
        press = listener
      }
    }
    const { input, output, shows, node } = streams(new FakeNode())
    const face = new PlainFace({ node, terminal: new Keyboard(input, output) })
    const end = vi.spyOn(face, 'end')
    const ended = face.run()
    await shows('Peer (')
    press(false)
    press(true)
    expect(end).not.toHaveBeenCalled()
    press(false)
    expect(end).toHaveBeenCalledOnce()
    expect(await ended).toBe('interrupted')
  })
})

describe('/requests clear', () => {
  it('is asked about once more, and then says how much it has deleted', async () => {
    const node = new FakeNode()
    node.waiting = ['carl', 'dora'].map((name) => ({
      peer: `12D3KooW${name}`,
      name,
      shortId: `${name}ID`,
      lastText: 'hi',
      count: 1
    }))
    const chat = plain(node)
    chat.input.write('/requests clear\n')
    await chat.shows('Type /requests clear again to do it.')
    expect(node.waiting).toHaveLength(2)
    chat.input.write('/requests clear\n')
    await chat.shows('2 messages of 2 strangers are deleted.')
    chat.input.end('/requests clear\n/requests clear\n/requests empty\n')
    await chat.shows('No requests are waiting.')
    await chat.shows('/requests takes nothing, or "clear"')
    await chat.ended
  })
})

describe('plain lines on a pipe', () => {
  it('leave out and count lines that are not read, and go on when the reader does', async () => {
    const output = new PassThrough({ highWaterMark: 1 })
    const pipe = new Pipe(new PassThrough(), output)
    const line = 'x'.repeat(1024 * 1024)
    for (let count = 0; count < 20; count++) pipe.print([line])
    expect(output.writableLength).toBeLessThan(7 * 1024 * 1024)
    const told: string[] = []
    createInterface({ input: output }).on('line', (one) => told.push(one))
    await eventually(() => expect(told.at(-1)).toMatch(/^\d+ lines were dropped here, because nothing read them: /u))
    pipe.print(['again'])
    await eventually(() => expect(told.at(-1)).toBe('again'))
    expect(told.filter((one) => one === line).length + Number(told.at(-2)?.split(' ')[0])).toBe(20)
  })
})

describe('the JSON face', () => {
  it('says ready first, answers each command with its tag, and says bye', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const chat = json(node)
    chat.input.write('{"do":"send","peer":"12D3KooWbob","text":"hi","tag":7}\n')
    await chat.shows('"tag":7')
    node.tell('message', { message: incoming('\u001b[2Jyo'), name: 'bob', arrival: 'accepted' })
    chat.input.end('{"do":"quit","tag":"q"}\n')
    expect(await chat.ended).toBe('quit')
    expect(chat.events().map(({ event }) => event)).toEqual(['ready', 'sent', 'done', 'message', 'done', 'bye'])
    const [ready, , done, message] = chat.events()
    expect(ready).toMatchObject({ version: 1, peer: '12D3KooWself', roster: [{ nickname: 'bob', port: 4001 }] })
    expect(done).toMatchObject({ do: 'send', tag: 7, message: { text: 'hi', state: 'delivered', direction: 'out' } })
    expect(message).toMatchObject({ peer: '12D3KooWbob', text: '\u001b[2Jyo', direction: 'in', state: 'accepted' })
    expect(chat.lines().join('')).not.toContain('\u001b')
  })

  it('reports each own message when it is stored, whichever command sends it', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    const chat = json(node)
    await chat.shows('"ready"')
    const message = outgoing('from a script', 'pending')
    node.tell('sent', { message, name: 'bob' })
    chat.input.end('{"do":"send","peer":"bob","text":"from here"}\n')
    await chat.ended
    const told = chat.events().filter(({ event }) => event === 'sent' || event === 'done')
    expect(told.map(({ event }) => event)).toEqual(['sent', 'sent', 'done'])
    const own = { direction: 'out', peer: '12D3KooWbob', name: 'bob' }
    expect(told[0]).toMatchObject({ ...own, id: message.id, text: 'from a script', state: 'pending' })
    expect(told[1]).toMatchObject({ ...own, text: 'from here' })
  })

  it.each([
    ['not json', 'bad-json'],
    ['[1]', 'bad-json'],
    ['null', 'bad-json'],
    ['{"to":"x"}', 'bad-arguments'],
    ['{"do":"explode","tag":1}', 'unknown-command'],
    ['{"do":"send","peer":"bob"}', 'bad-arguments'],
    ['{"do":"send","peer":"bob","text":5}', 'bad-arguments'],
    ['{"do":"send","peer":"bob","text":"x","wait":-1}', 'bad-arguments'],
    ['{"do":"leave"}', 'bad-arguments'],
    ['{"do":"send","peer":"nobody","text":"x"}', 'peer-not-found'],
    ['{"do":"constructor"}', 'unknown-command']
  ])('answers %s with the error %s and goes on', async (line, code) => {
    const chat = json(new FakeNode())
    chat.input.end(`${line}\n{"do":"who"}\n`)
    expect(await chat.ended).toBe('end of input')
    expect(chat.events().slice(1)).toMatchObject([
      { event: 'error', code, message: expect.any(String) },
      { event: 'done', do: 'who', roster: [] },
      { event: 'bye', reason: 'end of input' }
    ])
  })

  it('answers a send that waits only when it has settled, and reads on meanwhile', async () => {
    const node = new FakeNode()
    node.rows = [row('bob')]
    node.sendState = 'pending'
    const arrived = Promise.withResolvers<void>()
    vi.spyOn(node, 'settled').mockImplementation(async (message) => {
      await arrived.promise
      return { ...message, state: 'held' }
    })
    const chat = json(node)
    chat.input.write('{"do":"send","peer":"bob","text":"x","wait":5,"tag":"slow"}\n{"do":"who","tag":"quick"}\n')
    await chat.shows('"quick"')
    expect(chat.lines().join('')).not.toContain('"slow"')
    arrived.resolve()
    await chat.shows('"slow"')
    expect(chat.events().at(-1)).toMatchObject({ tag: 'slow', message: { state: 'held' } })
    chat.input.end()
    await chat.ended
  })

  it('outlives a reader that reads nothing, holds no more than a bound for it, and goes on when it reads', async () => {
    const node = new FakeNode()
    const output = new PassThrough({ highWaterMark: 1 })
    const face = new JsonFace({ node, input: new PassThrough(), output })
    const ended = face.run()
    await eventually(() => expect(output.writableLength).toBeGreaterThan(0))
    const text = 'x'.repeat(1024 * 1024)
    for (let count = 0; count < 20; count++) {
      node.tell('message', { message: incoming(`${count} ${text}`), name: 'b', arrival: 'accepted' })
    }
    const typing = { peer: '12D3KooWbob', name: 'bob' }
    for (let count = 0; count < 100_000; count++) node.tell('typing', typing)
    await untilStill(() => output.writableLength)
    expect(output.writableLength).toBeLessThan(3 * 1024 * 1024)

    const told: Record<string, unknown>[] = []
    const lines = createInterface({ input: output })
    lines.on('line', (line) => told.push(JSON.parse(line)))
    await eventually(() => expect(told.filter(({ event }) => event === 'message')).toHaveLength(20))
    expect(told.filter(({ event }) => event === 'message').map(({ text: one }) => String(one).split(' ')[0])).toEqual(
      Array.from({ length: 20 }, (_, n) => String(n))
    )
    await eventually(() => expect(told.find(({ event }) => event === 'dropped')).toBeDefined())
    const typed = told.filter(({ event }) => event === 'typing').length
    expect(typed).toBeGreaterThan(1000)
    expect(told.filter(({ event }) => event === 'dropped')).toEqual([
      { event: 'dropped', events: { typing: 100_000 - typed } }
    ])
    face.end('interrupted')
    await ended
  })

  it('ends at a signal although nothing reads its output', async () => {
    const node = new FakeNode()
    const output = new PassThrough({ highWaterMark: 1 })
    const face = new JsonFace({ node, input: new PassThrough(), output })
    const ended = face.run()
    await eventually(() => expect(output.writableLength).toBeGreaterThan(0))
    node.tell('message', { message: incoming('one'), name: 'b', arrival: 'accepted' })
    face.end('interrupted')
    expect(await ended).toBe('interrupted')
    expect(String(output.read())).toMatch(/"ready"[^]*"bye"/u)
  })

  it('cuts a list of messages where a page is full, and says where it goes on', async () => {
    const node = new FakeNode()
    // Each of these characters is written as six.
    for (let n = 0; n < 40; n++) node.stored.push(incoming(`${n}\u0001`.padEnd(60_000, '\u0001')))
    const chat = json(node)
    const found: string[] = []
    for (let after: unknown = 0; after !== null;) {
      const from = chat.events().length
      chat.input.write(`{"do":"log","after":${JSON.stringify(after)},"limit":1000}\n`)
      await eventually(() => expect(chat.events().length).toBeGreaterThan(Math.max(1, from)))
      const answer = chat.events().at(-1)
      expect(JSON.stringify(answer).length).toBeLessThan(5 * 1024 * 1024)
      const messages = Array.isArray(answer?.['messages']) ? answer['messages'] : []
      found.push(...messages.map(({ text }) => String(text).split('\u0001')[0] ?? ''))
      after = answer?.['next'] ?? null
    }
    expect(found).toEqual(Array.from({ length: 40 }, (_, n) => String(n)))
    chat.input.end()
    await chat.ended
  })
})
