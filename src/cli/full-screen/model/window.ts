// The part of a conversation's history that is held for the screen: messages and
// notes in their order, where more of them are, and which row is the last that
// is seen. A value and what becomes of it; rows are counted by whoever draws.
import type { HistoryEntry, OutgoingMessage, StoredMessage } from '../../chat-api.ts'
import { MAX_EARLY_DELIVERIES, MAX_WINDOW_CHARACTERS, MAX_WINDOW_MESSAGES, PAGE_MESSAGES } from '../constants.ts'

export type Tone = 'note' | 'warning'

export interface MessageItem {
  readonly is: 'message'
  readonly key: string
  readonly message: StoredMessage
  /** Undefined for what came while it was looked at. */
  readonly position: number | undefined
}

export interface NoteItem {
  readonly is: 'note'
  readonly key: string
  readonly text: string
  readonly tone: Tone
  readonly atMs: number
  /** The stranger whose request it tells of. */
  readonly asks?: string
}

export type Item = MessageItem | NoteItem

/** The last row on the screen: the end, or a row (from 0) of an item. */
export type Anchor = { readonly at: 'end' } | { readonly at: 'row'; readonly key: string; readonly row: number }

export interface MessageWindow {
  readonly items: readonly Item[]
  readonly hasOlder: boolean
  readonly hasNewer: boolean
  readonly loading: 'older' | 'newer' | undefined
  readonly anchor: Anchor
  /** What has come below the last row since it is not the end. */
  readonly below: number
  readonly belowAtLoad: number
  /** The first message that had not been on a screen. */
  readonly newFrom: string | undefined
  /** The message that a search has found. */
  readonly found: string | undefined
  readonly early: ReadonlyMap<string, OutgoingMessage>
}

export const emptyWindow: MessageWindow = {
  items: [],
  hasOlder: false,
  hasNewer: false,
  loading: undefined,
  anchor: { at: 'end' },
  below: 0,
  belowAtLoad: 0,
  newFrom: undefined,
  found: undefined,
  early: new Map()
}

/** A conversation as it is opened, at its end. */
export function windowOf(entries: readonly HistoryEntry[], unread: number): MessageWindow {
  const items = entries.map(itemOf)
  const incoming = items.filter(({ message }) => message.direction === 'in')
  const newFrom = unread === 0 ? undefined : incoming.at(-Math.min(unread, incoming.length))?.key
  return { ...emptyWindow, items, hasOlder: entries.length >= PAGE_MESSAGES, newFrom }
}

/** The surroundings of a message that a search has found. */
export function windowAround(entries: readonly HistoryEntry[], position: number): MessageWindow {
  const items = entries.map(itemOf)
  const found = items.find((item) => item.position === position)
  return {
    ...emptyWindow,
    items,
    hasOlder: true,
    hasNewer: true,
    found: found?.key,
    anchor: found === undefined ? { at: 'end' } : { at: 'row', key: found.key, row: 0 }
  }
}

/** With a message that has just been stored. */
export function withMessage(window: MessageWindow, message: StoredMessage): MessageWindow {
  const key = keyOf(message)
  if (window.hasNewer) return { ...window, below: window.below + 1 }
  if (window.items.some((item) => item.key === key)) return window
  const newest = message.direction === 'out' ? (window.early.get(key) ?? message) : message
  const early = new Map(window.early)
  early.delete(key)
  const newFrom = message.direction === 'out' ? undefined : window.newFrom
  return appended({ ...window, early, newFrom }, { is: 'message', key, message: newest, position: undefined })
}

export function withNote(window: MessageWindow, note: NoteItem): MessageWindow {
  return window.hasNewer ? window : appended(window, note)
}

/** With another state of an own message. */
export function withDelivery(window: MessageWindow, message: OutgoingMessage): MessageWindow {
  const key = keyOf(message)
  const index = window.items.findLastIndex((item) => item.key === key)
  const item = window.items[index]
  if (item?.is === 'message') return { ...window, items: window.items.with(index, { ...item, message }) }
  if (window.hasNewer || window.early.size >= MAX_EARLY_DELIVERIES) return window
  return { ...window, early: new Map([...window.early, [key, message]]) }
}

/** What to read next in a direction; undefined when there is no more, or it is being read. */
export function pageWanted(
  window: MessageWindow,
  where: 'older' | 'newer'
): { readonly before?: number; readonly after?: number; readonly limit: number } | undefined {
  if (window.loading !== undefined || !(where === 'older' ? window.hasOlder : window.hasNewer)) return undefined
  if (where === 'newer') {
    const after = window.items.findLast(hasPosition)?.position
    return after === undefined ? { limit: PAGE_MESSAGES } : { after, limit: PAGE_MESSAGES }
  }
  const first = window.items.find((item) => item.is === 'message')
  // The oldest that are held came while they were looked at: they are read with their positions.
  if (first?.position === undefined) return { limit: window.items.length + PAGE_MESSAGES }
  return { before: first.position, limit: PAGE_MESSAGES }
}

export function loading(window: MessageWindow, where: 'older' | 'newer'): MessageWindow {
  return { ...window, loading: where, belowAtLoad: window.below }
}

/** With a page that was read. */
export function withPage(
  window: MessageWindow,
  where: 'older' | 'newer',
  entries: readonly HistoryEntry[],
  limit: number
): MessageWindow {
  const isLast = entries.length < limit
  const items = entries.map(itemOf)
  const read = new Set(items.map(({ key }) => key))
  const held = window.items.filter(({ key }) => !read.has(key))
  if (where === 'older') {
    return trimmed({ ...window, items: [...items, ...held], hasOlder: !isLast, loading: undefined }, 'end')
  }
  // What came while it was read may be missing.
  const hasNewer = !isLast || window.below !== window.belowAtLoad
  const next = {
    ...window,
    items: [...held, ...items],
    hasNewer,
    loading: undefined,
    below: hasNewer ? window.below : 0
  }
  return trimmed(next, 'start')
}

export function keyOf(message: StoredMessage): string {
  return `${message.direction} ${message.id}`
}

function itemOf({ message, position }: HistoryEntry): MessageItem {
  return { is: 'message', key: keyOf(message), message, position }
}

function hasPosition(item: Item): item is MessageItem & { readonly position: number } {
  return item.is === 'message' && item.position !== undefined
}

function appended(window: MessageWindow, item: Item): MessageWindow {
  const isAtEnd = window.anchor.at === 'end'
  const below = isAtEnd || item.is === 'note' ? window.below : window.below + 1
  const next = { ...window, items: [...window.items, item], below }
  // Who reads further up must not lose what is read.
  return trimmed(next, isAtEnd ? 'start' : 'end')
}

/** No more than is to be held: what is left out is read again when it is scrolled to. */
function trimmed(window: MessageWindow, from: 'start' | 'end'): MessageWindow {
  const { items } = window
  let kept = from === 'start' ? keptAtEnd(items) : items.length - keptAtEnd(items.toReversed())
  if (from === 'start') return kept === 0 ? window : { ...window, items: items.slice(kept), hasOlder: true }
  if (kept === items.length) return window
  // Reading on needs to know from where.
  while (kept > 0 && !hasPositionAt(items, kept - 1)) kept--
  if (kept === 0) return window
  return { ...window, items: items.slice(0, kept), hasNewer: true }
}

function hasPositionAt(items: readonly Item[], index: number): boolean {
  const item = items[index]
  return item !== undefined && hasPosition(item)
}

/** The index of the first that is kept when the last ones are. */
function keptAtEnd(items: readonly Item[]): number {
  let characters = 0
  for (let count = 0; count < items.length; count++) {
    const item = items[items.length - 1 - count]
    if (item?.is === 'message') characters += item.message.text.length
    if (count >= MAX_WINDOW_MESSAGES || (characters > MAX_WINDOW_CHARACTERS && count > 0)) return items.length - count
  }
  return 0
}
