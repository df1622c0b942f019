import { describe, expect, test, vi } from 'vitest'
import { SMART_FILTER_MS, PresenceFilter } from '../../../src/cli/wording/conversation-news.ts'
import { NodeNews } from '../../../src/cli/tui/node-news.ts'
import { FakeNode, incoming } from '../fake-node.ts'
import { TestScreen } from '../tui/screen.ts'

const peer = '12D3KooWbob'

describe('lines about comings and goings', () => {
  test('are shown while one talks with that peer, all of them, or none', () => {
    const smart = new PresenceFilter('smart')
    expect(smart.isShown(peer, 0)).toBe(false)
    smart.talked(peer, 0)
    expect(smart.isShown(peer, SMART_FILTER_MS - 1)).toBe(true)
    expect(smart.isShown('other', 1)).toBe(false)
    expect(smart.isShown(peer, SMART_FILTER_MS)).toBe(false)
    smart.talked(peer, SMART_FILTER_MS)
    expect(smart.isShown(peer, SMART_FILTER_MS + 1)).toBe(true)
    expect(new PresenceFilter('all').isShown(peer, 0)).toBe(true)
    const none = new PresenceFilter('none')
    none.talked(peer, 0)
    expect(none.isShown(peer, 1)).toBe(false)
  })

  test('say that the other side looks at the conversation rather than that there is another way to it', () => {
    const screen = TestScreen.ready(80, 24).open('bob')
    const come = { is: 'presence', peer } as const
    screen.tell({ ...come, text: 'bob is in the conversation.', change: 'entered' })
    screen.tell({ ...come, text: 'Connected to bob directly.', change: 'connected' })
    expect(screen.text).toContain('bob is in the conversation.')
    expect(screen.text).not.toContain('Connected to bob')
    screen.tell({ ...come, text: 'bob has left the network.', change: 'quit' })
    screen.tell({ ...come, text: 'Connected to bob directly.', change: 'connected' })
    expect(screen.text).toContain('Connected to bob directly. (2 changes before')
    expect(screen.text).not.toMatch(/is in the conversation|left the network/u)
  })

  test('that follow each other share one line on the screen, and end when no one has talked for a while', () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] })
    try {
      const node = new FakeNode()
      const screen = TestScreen.ready(80, 24).open('bob')
      const news = new NodeNews({ node, dispatch: (event) => void screen.tell(event) })
      news.follow(peer)
      const leaves = (): void => node.tell('left', { peer, name: 'bob', reason: 'left' })
      for (let times = 0; times < 4; times++) leaves()
      expect(screen.text.match(/has left the conversation/gu)).toHaveLength(1)
      expect(screen.text.replace(/\n[^│]*│\s+/gu, ' ')).toContain('(3 changes before that)')
      node.tell('message', { message: incoming('wait', peer), name: 'bob', arrival: 'accepted' })
      leaves()
      expect(screen.text.match(/has left the conversation/gu)).toHaveLength(2)
      node.tell('message', { message: incoming('one more', peer), name: 'bob', arrival: 'accepted' })
      vi.advanceTimersByTime(SMART_FILTER_MS)
      leaves()
      expect(screen.text.match(/has left the conversation/gu)).toHaveLength(2)
    } finally {
      vi.useRealTimers()
    }
  })
})
