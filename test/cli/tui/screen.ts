// The full-screen model driven by a test: keys and events in, the screen as text
// and the effects out, without a terminal and without a node.
import type { HistoryEntry, IncomingMessage, OutgoingMessage, RosterRow } from '../../../src/cli/chat-api/chat-api.ts'
import type { Effect, ScreenEvent } from '../../../src/cli/tui/model/events.ts'
import { beginning, type State } from '../../../src/cli/tui/model/state.ts'
import { update } from '../../../src/cli/tui/update/update.ts'
import { defaultPreferences } from '../../../src/cli/tui/model/preferences.ts'
import { KeyReader } from '../../../src/cli/tui/terminal/key-reader.ts'
import type { Frame } from '../../../src/cli/tui/terminal/rows.ts'
import { view } from '../../../src/cli/tui/view/view.ts'
import { row } from '../fake-node.ts'

/** A Sunday, in whatever zone the test runs. */
export const startMs = new Date(2026, 10, 22, 14, 2).getTime()

/** The rows of a frame as they would be seen. */
export function frameLines(frame: Frame): string[] {
  return frame.rows.map((segments) => {
    let line = ''
    for (const { column, width, spans } of segments) {
      const text = spans.map((span) => span.text).join('')
      const filled = spans.reduce((sum, span) => sum + span.width, 0)
      line = line.padEnd(column) + text + ' '.repeat(Math.max(0, width - filled))
    }
    return line.trimEnd()
  })
}

export class TestScreen {
  state: State
  nowMs = startMs
  readonly effects: Effect[] = []
  readonly #reader = new KeyReader()

  constructor(columns: number, rows: number, fields: Partial<State> = {}) {
    this.state = {
      ...beginning({
        columns,
        rows,
        nowMs: startMs,
        isUtf8: true,
        selfName: 'anna',
        preferences: defaultPreferences
      }),
      ...fields
    }
  }

  /** On the network, with these peers around. */
  static ready(columns: number, rows: number, peers: readonly RosterRow[] = [row('bob', { path: 'lan' })]): TestScreen {
    const screen = new TestScreen(columns, rows)
    screen.tell({
      is: 'self',
      namesRelays: false,
      self: {
        peer: '12D3KooWself',
        shortId: 'selfID',
        nickname: 'anna',
        network: 'test',
        profile: 'default',
        addresses: ['/ip4/192.168.1.2/tcp/4000/p2p/12D3KooWself']
      }
    })
    screen.tell({
      is: 'around',
      roster: peers,
      contacts: new Map(),
      verified: new Set(),
      blocked: new Map(),
      directories: []
    })
    screen.tell({ is: 'phase', phase: 'ready' })
    return screen
  }

  tell(event: ScreenEvent): this {
    const { state, effects } = update(this.state, event, this.nowMs)
    this.state = state
    this.effects.push(...effects)
    return this
  }

  /** Bytes as a terminal would send them, each argument in a read of its own. */
  type(...reads: readonly string[]): this {
    for (const read of reads) {
      this.nowMs += 1000
      for (const input of [...this.#reader.feed(read, this.nowMs), ...this.#reader.flush()])
        this.tell({ is: 'input', input })
    }
    return this
  }

  open(name: string, entries: readonly HistoryEntry[] = []): this {
    const target = { peer: `12D3KooW${name}`, name, shortId: `${name}ID`, by: 'nickname' } as const
    this.tell({ is: 'opened', target, trust: {}, entries, state: { name: 'open', dialect: 'parley', path: 'lan' } })
    return this.tell({ is: 'done' })
  }

  get lines(): string[] {
    return frameLines(view(this.state))
  }

  get text(): string {
    return this.lines.join('\n')
  }

  /** The effects since they were taken last. */
  take(): Effect[] {
    return this.effects.splice(0)
  }
}

export function entry(position: number, text: string, fields: Partial<IncomingMessage> = {}): HistoryEntry {
  return { position, message: { ...received(text), id: String(position).padStart(32, '0'), ...fields } }
}

export function received(text: string, peer = '12D3KooWbob'): IncomingMessage {
  return { ...stored(text, peer), direction: 'in', state: 'accepted' }
}

export function written(
  text: string,
  state: OutgoingMessage['state'] = 'pending',
  peer = '12D3KooWbob'
): OutgoingMessage {
  return { ...stored(text, peer), direction: 'out', state }
}

let lastId = 1_000_000

function stored(text: string, peer: string) {
  lastId++
  return {
    peer,
    id: String(lastId).padStart(32, '0'),
    log: '0'.repeat(16),
    seq: 1,
    sentAtMs: startMs,
    storedAtMs: startMs,
    text
  }
}
