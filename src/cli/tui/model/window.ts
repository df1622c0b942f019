// The part of a conversation's history that is held for the screen: messages and
// notes in their order, where more of them are, and which row is the last that
// is seen. A value and what becomes of it; the layout counts rows.
import type { HistoryEntry, OutgoingMessage, StoredMessage } from '../../chat-api/chat-api.ts'

/** Messages read at once on scrolling: some screens full. */
export const PAGE_MESSAGES = 100

/** Messages of a conversation that are held in memory; the others are read again when they are scrolled to. */
export const MAX_WINDOW_MESSAGES = 600

/** The same in characters: a hundred messages of the longest would be six million. */
const MAX_WINDOW_CHARACTERS = 4_000_000

/** Changes of own messages that are reported before send() has returned them. */
const MAX_EARLY_DELIVERIES = 256

export type Tone = 'note' | 'warning'

/** How the peer of the open conversation came or went. */
export type PresenceChange = 'entered' | 'left' | 'quit' | 'connected'

export interface MessageItem {
  readonly is: 'message'
  readonly key: string
  readonly message: StoredMessage
  /** Undefined for a message that came while the conversation was open. */
  readonly position: number | undefined
}

export interface StatusMessage {
  readonly is: 'status'
  readonly key: string
  readonly text: string
  readonly tone: Tone
  readonly atMs: number
  /** How many comings and goings the line stands for; it shows the last. */
  readonly presence?: { readonly changes: number; readonly last: PresenceChange }
  /** The stranger whose request it tells of. */
  readonly asks?: string
  /** The peer that has opened a conversation. Its name and number may change: the first screen words the line anew. */
  readonly entered?: string
}

export type Item = MessageItem | StatusMessage

/** The last row on the screen: the end, or a row (from 0) of an item. */
export type Anchor = { readonly at: 'end' } | { readonly at: 'row'; readonly key: string; readonly row: number }

export interface MessageWindow {
  readonly items: readonly Item[]
  readonly hasOlder: boolean
  readonly hasNewer: boolean
  readonly loading: 'older' | 'newer' | undefined
  readonly anchor: Anchor
  /** Messages that came below the last row while that is not the end. */
  readonly below: number
  readonly belowAtLoad: number
  /** The first message that had not been on a screen. */
  readonly newFrom: string | undefined
  /** How many more of those are above all held messages; the first moves up as they are read. */
  readonly newAbove: number
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
  newAbove: 0,
  found: undefined,
  early: new Map()
}

/** A conversation as it is opened, at its end. */
export function windowOf(entries: readonly HistoryEntry[], unread: number): MessageWindow {
  const items = entries.map(itemOf)
  const incoming = items.filter(({ message }) => message.direction === 'in')
  return withNew({ ...emptyWindow, items, hasOlder: entries.length >= PAGE_MESSAGES, newAbove: unread }, incoming)
}

/** The same, read again: notes that came after the last message stay below it. */
export function windowAgain(window: MessageWindow, entries: readonly HistoryEntry[]): MessageWindow {
  const again = windowOf(entries, 0)
  const lastMs = entries.at(-1)?.message.storedAtMs ?? Number.NEGATIVE_INFINITY
  const notes = window.items.filter((item) => item.is === 'status' && item.atMs >= lastMs)
  return { ...again, items: [...again.items, ...notes] }
}

/** Without messages that were stored before then, but for those that wait to be sent; the line at the top may be one of them. */
export function withoutOlder(window: MessageWindow, beforeMs: number): MessageWindow {
  const isKept = (item: Item): boolean =>
    item.is === 'status' ||
    item.message.storedAtMs >= beforeMs ||
    (item.message.direction === 'out' && item.message.state === 'pending')
  const items = window.items.filter(isKept)
  if (items.length === window.items.length) return window
  const { anchor } = window
  const isAnchored = anchor.at === 'end' || items.some(({ key }) => key === anchor.key)
  return { ...window, items, ...(isAnchored ? {} : { anchor: emptyWindow.anchor }) }
}

/** Without the line that marks what is new: the user has answered, or scrolled to the end. */
export const nothingNew = { newFrom: undefined, newAbove: 0 } as const

/** @param incoming read just now, above all that had been held */
function withNew(window: MessageWindow, incoming: readonly MessageItem[]): MessageWindow {
  const count = Math.min(window.newAbove, incoming.length)
  if (count === 0) return window
  return { ...window, newFrom: incoming.at(-count)?.key, newAbove: window.newAbove - count }
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

/**
 * Messages may have been missed at the end. What a reader looks at who has scrolled up stays; the rest is read again
 * on the way down.
 */
export function withUnknownEnd(window: MessageWindow): MessageWindow {
  const { anchor, items } = window
  if (anchor.at === 'end') return window
  const seen = items.findIndex(({ key }) => key === anchor.key)
  // The last kept item needs a position, to read on from.
  const from = Math.max(
    seen,
    items.findIndex((item, index) => index >= seen && hasPosition(item))
  )
  if (!hasPositionAt(items, from)) return window
  return { ...window, items: items.slice(0, from + 1), hasNewer: true, loading: undefined }
}

/** With a message that has just been stored. */
export function withMessage(window: MessageWindow, message: StoredMessage): MessageWindow {
  const key = keyOf(message)
  if (window.hasNewer) return { ...window, below: window.below + 1 }
  if (window.items.some((item) => item.key === key)) return window
  const newest = message.direction === 'out' ? (window.early.get(key) ?? message) : message
  const early = new Map(window.early)
  early.delete(key)
  const next = message.direction === 'out' ? { ...window, early, ...nothingNew } : { ...window, early }
  return appended(next, { is: 'message', key, message: newest, position: undefined })
}

export function withStatusMessage(window: MessageWindow, note: StatusMessage): MessageWindow {
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
  // The oldest held messages came while the conversation was open: reading them again gives their positions.
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
    const before = new Set(window.items.map(({ key }) => key))
    const incoming = items.filter(({ key, message }) => message.direction === 'in' && !before.has(key))
    const older = { ...window, items: [...items, ...held], hasOlder: !isLast, loading: undefined }
    return trimmed(withNew(older, incoming), 'end')
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
  const below = isAtEnd || item.is === 'status' ? window.below : window.below + 1
  const next = { ...window, items: [...window.items, item], below }
  // The rows that the user is reading stay.
  return trimmed(next, isAtEnd ? 'start' : 'end')
}

/** Drops messages beyond the bound: scrolling to them reads them again. */
function trimmed(window: MessageWindow, from: 'start' | 'end'): MessageWindow {
  const { items } = window
  let kept = from === 'start' ? keptAtEnd(items) : items.length - keptAtEnd(items.toReversed())
  if (from === 'start') return kept === 0 ? window : { ...window, items: items.slice(kept), hasOlder: true }
  if (kept === items.length) return window
  // The last kept item needs a position, to read on from.
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
