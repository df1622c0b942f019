// The list of peers: only the rows that are seen are drawn, however many there
// are. To a screen reader it is a list box of all of them; keys choose in it.
import { Component, type ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Peer } from './model/roster-model.ts'
import { hueOf } from './model/colours.ts'
import { ago, alikeText, moment, pathWord } from './model/words.ts'

/** The height of a row of the list, in pixels: the rows that are drawn are reckoned by it. */
const PAGE_ROW_PX = 60

/** Rows drawn beyond what is seen, on either side, so that scrolling shows no gap. */
const PAGE_SPARE_ROWS = 8

export interface PeopleListProps {
  readonly peers: readonly Peer[]
  readonly nowMs: number
  readonly chosen: string | undefined
  /** Short IDs of directories, where there are several. */
  readonly directoryNames: ReadonlyMap<string, string>
  /** How many others have a name that looks like this one's. */
  readonly namesakes: (peer: Peer) => number
  /** What stands where nobody does. */
  readonly empty: ComponentChildren
  readonly onChoose: (peer: string | undefined) => void
}

export function PeopleList({ peers, nowMs, chosen, directoryNames, namesakes, empty, onChoose }: PeopleListProps) {
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 800 })
  const index = chosen === undefined ? -1 : peers.findIndex(({ peer }) => peer === chosen)

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const sizes = new ResizeObserver(() => setView({ top: element.scrollTop, height: element.clientHeight }))
    sizes.observe(element)
    return () => sizes.disconnect()
  }, [])
  useEffect(() => {
    if (box.current !== null && index >= 0) reveal(box.current, index)
  }, [chosen])

  const choose = (next: number): void => {
    const peer = peers[Math.max(0, Math.min(peers.length - 1, next))]
    if (peer !== undefined) onChoose(peer.peer)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(view.height / PAGE_ROW_PX) - 1)
    const steps = new Map<string, number>([
      ['ArrowDown', index + 1],
      ['ArrowUp', index < 0 ? 0 : index - 1],
      ['PageDown', index + page],
      ['PageUp', index - page],
      ['Home', 0],
      ['End', peers.length - 1]
    ])
    const next = steps.get(event.key)
    if (next === undefined) return
    event.preventDefault()
    choose(next)
  }

  const first = Math.max(0, Math.floor(view.top / PAGE_ROW_PX) - PAGE_SPARE_ROWS)
  const last = Math.min(peers.length, Math.ceil((view.top + view.height) / PAGE_ROW_PX) + PAGE_SPARE_ROWS)
  // The chosen one is drawn wherever it is: assistive technology looks for it by its id.
  const drawn = peers.slice(first, last).map((peer, i) => ({ peer, at: first + i }))
  const current = peers[index]
  if (current !== undefined && (index < first || index >= last)) drawn.push({ peer: current, at: index })
  return (
    <div
      class="people"
      ref={box}
      role="listbox"
      tabIndex={0}
      aria-label="Peers"
      aria-activedescendant={current === undefined ? undefined : rowId(current.peer)}
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
      onKeyDown={onKeyDown}
    >
      {peers.length === 0 && <div class="empty">{empty}</div>}
      <div class="people-height" style={{ height: `${peers.length * PAGE_ROW_PX}px` }} role="presentation">
        {drawn.map(({ peer, at }) => (
          <Row
            key={peer.peer}
            peer={peer}
            at={at}
            of={peers.length}
            since={ago(peer.since, nowMs)}
            when={moment(peer.since, nowMs)}
            via={viaOf(peer, directoryNames)}
            alike={namesakes(peer)}
            isChosen={at === index}
            onChoose={onChoose}
          />
        ))}
      </div>
    </div>
  )
}

interface RowProps {
  readonly peer: Peer
  readonly at: number
  readonly of: number
  readonly since: string
  readonly when: string
  readonly via: string
  readonly alike: number
  readonly isChosen: boolean
  readonly onChoose: (peer: string | undefined) => void
}

/** Drawn again only when something about it is new: most of a list stays as it was. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return rowKeys.some((key) => next[key] !== this.props[key])
  }

  override render() {
    const { peer, at, of, since, when, via, alike, isChosen, onChoose } = this.props
    return (
      <div
        id={rowId(peer.peer)}
        role="option"
        class="person"
        aria-selected={isChosen}
        aria-posinset={at + 1}
        aria-setsize={of}
        data-peer={peer.peer}
        style={{ transform: `translateY(${at * PAGE_ROW_PX}px)` }}
        onClick={() => onChoose(isChosen ? undefined : peer.peer)}
      >
        <span class={`swatch ${peer.path}`} style={{ '--hue': hueOf(peer.peer) }} aria-hidden="true" />
        <span class="who">
          <bdi class={peer.isNamed ? 'name' : 'name nameless'}>{peer.name}</bdi>
          <code>{peer.shortId}</code>
          {alike > 0 && (
            <span class="alike" title={alikeText(alike)}>
              <span aria-hidden="true">!</span>
              <span class="unseen"> {alikeText(alike)}</span>
            </span>
          )}
        </span>
        <span class="since" title={`since ${when}`}>
          {since}
        </span>
        <span class="says" dir="auto">
          {peer.says}
        </span>
        <span class="way">
          {pathWord(peer.path)}
          {via !== '' && <code> {via}</code>}
        </span>
      </div>
    )
  }
}

const rowKeys = ['peer', 'at', 'of', 'since', 'when', 'via', 'alike', 'isChosen'] as const

/** The beginnings of the names of its directories: enough to tell a few apart, and the details have the rest. */
function viaOf({ directories }: Peer, names: ReadonlyMap<string, string>): string {
  const short = directories.flatMap((id) => names.get(id)?.slice(0, 4) ?? [])
  return short.length <= viaShown
    ? short.join(' ')
    : `${short.slice(0, viaShown).join(' ')} +${short.length - viaShown}`
}

const viaShown = 2

function rowId(peer: string): string {
  return `peer-${peer}`
}

/** Scrolls as little as it takes. */
function reveal(box: HTMLElement, index: number): void {
  const top = index * PAGE_ROW_PX
  if (top < box.scrollTop) box.scrollTop = top
  else if (top + PAGE_ROW_PX > box.scrollTop + box.clientHeight) box.scrollTop = top + PAGE_ROW_PX - box.clientHeight
}
