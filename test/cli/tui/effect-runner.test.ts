// What the full screen asks of the node, in which order, and what it learns from
// it; with the smallest node, and no terminal.
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { ChatApi } from '../../../src/cli/chat-api/chat-api.ts'
import { EffectRunner } from '../../../src/cli/tui/effect-runner.ts'
import type { ScreenEvent } from '../../../src/cli/tui/model/events.ts'
import { PAGE_MESSAGES } from '../../../src/cli/tui/model/window.ts'
import { NodeNews } from '../../../src/cli/tui/node-news.ts'
import { FakeNode, incoming, outgoing, row } from '../fake-node.ts'
import { TestScreen } from './screen.ts'

class Desk {
  readonly node = new FakeNode()
  readonly events: ScreenEvent[] = []
  readonly screen = new TestScreen(80, 24)
  readonly runner: EffectRunner

  constructor() {
    this.node.rows = [row('bob'), row('carl')]
    const dispatch = (event: ScreenEvent): void => {
      this.events.push(event)
      this.screen.tell(event)
    }
    const news = new NodeNews({ node: this.node, dispatch })
    this.runner = new EffectRunner({ node: this.node, news, dispatch, state: () => this.screen.state })
  }

  async settled(): Promise<void> {
    for (let count = 0; count < 20; count++) await turn()
  }

  /** Carries out what the model has asked to be read. */
  async readPages(): Promise<void> {
    for (const effect of this.screen.take()) if (effect.do === 'page') this.runner.start(effect)
    await this.settled()
  }

  kinds(): string[] {
    return this.events.map(({ is }) => is)
  }
}

test('the start screen says where this node is reached now, not where it was', async () => {
  const desk = new Desk()
  desk.node.moveTo('192.168.1.2')
  expect(desk.screen.text).toContain('host 192.168.1.2, port 4000')
  desk.node.moveTo('192.168.1.9')
  expect(desk.screen.text).toContain('host 192.168.1.9, port 4000')
  expect(desk.screen.text).not.toContain('192.168.1.2')
})

describe('what is asked of the node', () => {
  test('messages go out in the order in which they were typed', async () => {
    const desk = new Desk()
    for (const text of ['one', 'two', 'three']) desk.runner.start({ do: 'send', peer: '12D3KooWbob', text })
    await desk.settled()
    expect(desk.node.calls).toEqual(['send bob "one"', 'send bob "two"', 'send bob "three"'])
    const stored = desk.events.flatMap((event) => (event.is === 'sent' ? [event.message.id] : []))
    expect(new Set(stored).size).toBe(3)
  })

  test('what another command sends by the same node stands in the conversation, what was typed here once', async () => {
    const desk = new Desk()
    desk.runner.start({ do: 'open', words: ['bob'], leaving: undefined })
    await desk.settled()
    desk.runner.start({ do: 'send', peer: '12D3KooWbob', text: 'typed here' })
    await desk.settled()
    desk.node.tell('sent', { message: outgoing('from a script', 'pending'), name: 'bob' })
    expect(desk.screen.text.match(/typed here/gu)).toHaveLength(1)
    expect(desk.screen.text).toMatch(/… +You +from a script/u)
  })

  test('a message that could not be stored is reported, and does not hold up the next one', async () => {
    const desk = new Desk()
    const send = desk.node.send.bind(desk.node)
    desk.node.send = async (peer, text) => {
      if (text === 'one') throw new Error('the disk is full')
      return send(peer, text)
    }
    for (const text of ['one', 'two']) desk.runner.start({ do: 'send', peer: '12D3KooWbob', text })
    await desk.settled()
    expect(desk.events).toContainEqual({ is: 'failed', text: 'the disk is full' })
    expect(desk.events).toContainEqual({ is: 'unsent', peer: '12D3KooWbob', text: 'one' })
    expect(desk.node.calls).toEqual(['send bob "two"'])
  })

  test('a message that comes while its conversation is being read is on the screen once', async () => {
    const desk = new Desk()
    const message = incoming('just now')
    const page = desk.node.history.page
    desk.node.history.page = async (peer, options) => {
      const entries = await page(peer, options)
      desk.node.tell('message', { message, name: 'bob', arrival: 'accepted' })
      return entries
    }
    desk.runner.start({ do: 'open', words: ['bob'], leaving: undefined })
    await desk.settled()
    expect(desk.screen.text.match(/just now/gu)).toHaveLength(1)
    expect(desk.screen.state.unread.size).toBe(0)
    expect(desk.screen.state.busy).toBeUndefined()
  })

  test('after a break the newest message is on the screen, and scrolling reaches all that came meanwhile', async () => {
    const desk = new Desk()
    desk.runner.start({ do: 'open', words: ['bob'], leaving: undefined })
    await desk.settled()
    desk.node.past = Array.from({ length: 2.5 * PAGE_MESSAGES }, (_, n) => incoming(`missed ${n}.`))
    const page = desk.node.history.page
    let reads = 0
    desk.node.history.page = async (peer, options) => {
      const entries = await page(peer, options)
      if (++reads > 1) return entries
      const message = incoming('just now')
      desk.node.past = [...desk.node.past, message]
      desk.node.tell('message', { message, name: 'bob', arrival: 'accepted' })
      return entries
    }
    desk.node.tell('resumed', {})
    await desk.settled()
    await desk.readPages()
    expect(desk.screen.text.match(/just now/gu)).toHaveLength(1)
    for (let n = 0; n < 100 && !desk.screen.text.includes('missed 0.'); n++) {
      desk.screen.type('\u001b[5~')
      await desk.readPages()
    }
    expect(desk.screen.text).toContain('missed 0.')
  })

  test('a reader who has scrolled up stands where he was after a break, and reads on to all that came', async () => {
    const desk = new Desk()
    desk.node.past = Array.from({ length: 3 * PAGE_MESSAGES }, (_, n) => incoming(`old ${n}.`))
    desk.runner.start({ do: 'open', words: ['bob'], leaving: undefined })
    await desk.settled()
    const scroll = async (key: string): Promise<void> => {
      desk.screen.type(key)
      await desk.readPages()
    }
    for (let n = 0; n < 4; n++) await scroll('\u001b[5~')
    const seen = desk.screen.text.split('\n').filter((line) => line.includes('old '))
    desk.node.past = [...desk.node.past, ...Array.from({ length: 150 }, (_, n) => incoming(`missed ${n}.`))]
    desk.node.tell('resumed', {})
    await desk.settled()
    await desk.readPages()
    expect(desk.screen.text.split('\n').filter((line) => line.includes('old '))).toEqual(seen)
    for (let n = 0; n < 100 && !desk.screen.text.includes('missed 149.'); n++) await scroll('\u001b[6~')
    expect(desk.screen.text).toContain('missed 149.')
  })

  test('another conversation is opened before the one that was open is left, and failing to open leaves none', async () => {
    const desk = new Desk()
    desk.runner.start({ do: 'open', words: ['carl'], leaving: '12D3KooWbob' })
    await desk.settled()
    expect(desk.node.calls).toEqual(['resolve carl', 'open carl', 'leave bob'])
    desk.runner.start({ do: 'open', words: ['nobody'], leaving: '12D3KooWcarl' })
    await desk.settled()
    expect(desk.node.calls.slice(3)).toEqual(['resolve nobody'])
    expect(desk.events.filter(({ is }) => is === 'failed')).toEqual([{ is: 'failed', text: 'no peer called nobody' }])
  })

  test('what takes long is stopped, and said to be', async () => {
    const desk = new Desk()
    const resolve: ChatApi['peers']['resolve'] = async (_words, options) => {
      await once(options?.signal ?? new EventTarget(), 'abort')
      throw new DOMException('stopped', 'AbortError')
    }
    Reflect.set(desk.node, 'resolve', resolve)
    desk.runner.start({ do: 'open', words: ['bob'], leaving: undefined })
    await desk.settled()
    desk.runner.start({ do: 'stop' })
    await desk.settled()
    expect(desk.events).toContainEqual({ is: 'failed', text: 'Stopped.' })
    expect(desk.kinds().at(-1)).toBe('done')
  })

  test('at the end it waits no longer than one wants', async () => {
    const desk = new Desk()
    desk.node.sendState = 'pending'
    desk.runner.start({ do: 'send', peer: '12D3KooWbob', text: 'one' })
    const settled: ChatApi['messaging']['settled'] = async (message, { signal }) => {
      if (!signal.aborted) await once(signal, 'abort')
      return message
    }
    Reflect.set(desk.node, 'settled', settled)
    const settling = desk.runner.settle(60_000, false)
    await desk.settled()
    desk.runner.abort()
    expect(await settling).toEqual([])
  })

  test('at the end what is under way is waited for, and what still waits is counted', async () => {
    const desk = new Desk()
    desk.node.sendState = 'pending'
    desk.runner.start({ do: 'send', peer: '12D3KooWbob', text: 'one' })
    desk.node.history.waiting = async () => ({ peers: 1, messages: 2, isAll: true })
    expect(await desk.runner.settle(100, false)).toEqual([
      '2 messages are waiting, to be sent the next time that their peers are online.'
    ])
    desk.node.tell('delivery', { message: outgoing('one', 'delivered'), state: 'delivered' })
  })
})
