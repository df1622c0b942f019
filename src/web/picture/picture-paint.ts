// Draws the picture on a canvas: lines, peers, directories, and as many names as
// there is room for. It is told where everything stands, and knows no roster.
import { shortened } from '../model/clean-text.ts'
import {
  boxAround,
  PAGE_LABEL_CHARS,
  directoryHalf,
  dotRadius,
  nameBox,
  placeDirectory,
  placeName,
  Room,
  type Box,
  type Frame,
  type Side
} from './picture-names.ts'
import type { Point } from './picture-layout.ts'

/** A picture of more peers than this jumps: each frame would take too long. */
export const PAGE_MOVING_PEERS = 1_500

export interface PaintedPeer {
  readonly id: string
  readonly name: string
  readonly hue: number
  readonly isRelayed: boolean
  /** In pixels. */
  readonly at: Point
  /** Where its directories stand. */
  readonly links: readonly Point[]
  /** 0 while it is not yet or no more there, 1 when it is. */
  readonly presence: number
  /** Not what is looked for. */
  readonly isFaint: boolean
}

export interface PaintedDirectory {
  readonly id: string
  readonly name: string
  readonly at: Point
  readonly state: 'here' | 'alive' | 'lost'
}

export interface Painting extends Frame {
  readonly peers: readonly PaintedPeer[]
  readonly directories: readonly PaintedDirectory[]
  readonly links: readonly (readonly [Point, Point])[]
}

/** By peer ID. */
export type Names = ReadonlyMap<string, Side>

/** What the style sheet says, read when the theme changes. */
export interface Palette {
  readonly ground: string
  readonly text: string
  readonly dim: string
  readonly line: string
  readonly accent: string
  /** Of peers: lightness and chroma in OKLCH, as those of the list. */
  readonly peerTone: string
  readonly font: string
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const read = (name: string): string => style.getPropertyValue(name).trim()
  return {
    ground: read('--panel'),
    text: read('--text'),
    dim: read('--dim'),
    line: read('--haze'),
    accent: read('--accent'),
    peerTone: isDark(read('--panel')) ? '0.75 0.115' : '0.6 0.13',
    font: style.fontFamily
  }
}

/** @param colour as computed: rgb(25, 27, 31) */
function isDark(colour: string): boolean {
  const channels = (colour.match(/[\d.]+/gu) ?? []).slice(0, 3).map(Number)
  return channels.reduce((sum, channel) => sum + channel, 0) < 3 * 128
}

/** Paints all people. @returns on which side the names stand of those that have room for one */
export function paint(context: CanvasRenderingContext2D, painting: Painting, palette: Palette): Names {
  const { width, height, gap, peers, directories } = painting
  context.clearRect(0, 0, width, height)
  paintLinks(context, painting, palette)
  const radius = dotRadius(gap)
  paintDots(context, peers, radius, palette)
  const room = new Room()
  for (const directory of directories) paintDirectory(context, directory, painting, palette, room)
  const names = new Map<string, Side>()
  // Where dots nearly touch there is no room for a name anyhow.
  if (gap >= leastNamedGapPx) {
    for (const { at } of peers) room.take(boxAround(at, radius))
    context.font = `500 12px ${palette.font}`
    for (const peer of peers) {
      const name = peer.isFaint ? undefined : placeName(peer, painting, (text) => context.measureText(text).width, room)
      if (name === undefined) continue
      names.set(peer.id, name.side)
      writeName(context, { ...name, presence: peer.presence, colour: palette.dim, haloPx: 3 }, palette)
    }
  }
  context.globalAlpha = 1
  return names
}

/** Paints those that are pointed at once more, over all others. */
export function paintMarked(
  context: CanvasRenderingContext2D,
  { gap }: Pick<Painting, 'gap'>,
  marked: readonly PaintedPeer[],
  names: Names,
  palette: Palette
): void {
  const radius = dotRadius(gap)
  context.strokeStyle = palette.accent
  context.globalAlpha = 1
  context.lineWidth = 1.75
  for (const { at, links } of marked) {
    for (const end of links) {
      // From the rim: the directory at the other end was painted before.
      const long = Math.hypot(end.x - at.x, end.y - at.y)
      const part = Math.max(0, 1 - directoryHalf(gap) / Math.max(1, long))
      stroke(context, at, { x: at.x + (end.x - at.x) * part, y: at.y + (end.y - at.y) * part })
    }
  }
  paintDots(
    context,
    marked.map((peer) => ({ ...peer, isFaint: false })),
    radius,
    palette
  )
  context.globalAlpha = 1
  context.font = `600 12px ${palette.font}`
  for (const peer of marked) {
    context.strokeStyle = palette.accent
    context.lineWidth = 2
    context.beginPath()
    arc(context, peer.at, radius + 4)
    context.stroke()
    const text = shortened(peer.name, PAGE_LABEL_CHARS)
    const box = nameBox(peer.at, radius, context.measureText(text).width, names.get(peer.id) ?? 'below')
    writeName(context, { text, box, presence: peer.presence, colour: palette.text, haloPx: 6 }, palette)
  }
}

function paintLinks(context: CanvasRenderingContext2D, { links, peers }: Painting, palette: Palette): void {
  context.globalAlpha = 1
  context.strokeStyle = palette.line
  context.lineWidth = 1.5
  context.setLineDash([2, 5])
  for (const [from, to] of links) stroke(context, from, to)
  context.setLineDash([])
  // Of very many, where a peer stands says to whom it belongs.
  if (peers.length > PAGE_MOVING_PEERS) return
  // Many lines become a haze, and not a wall.
  const strength = Math.min(1, 10 / Math.sqrt(Math.max(1, peers.length)))
  context.lineWidth = peers.length > 150 ? 0.75 : 1
  for (const { at, links: to, presence, isFaint } of peers) {
    context.globalAlpha = strength * presence * (isFaint ? 0.25 : 1)
    for (const end of to) stroke(context, at, end)
  }
}

function stroke(context: CanvasRenderingContext2D, from: Point, to: Point): void {
  context.beginPath()
  context.moveTo(from.x, from.y)
  context.lineTo(to.x, to.y)
  context.stroke()
}

/** Those that look alike are painted at one stroke: a canvas minds the number of strokes, not of circles. */
function paintDots(
  context: CanvasRenderingContext2D,
  peers: readonly PaintedPeer[],
  radius: number,
  palette: Palette
): void {
  const looks = new Map<string, PaintedPeer[]>()
  for (const peer of peers) {
    const look = `${peer.hue} ${peer.presence} ${peer.isFaint} ${peer.isRelayed}`
    const alike = looks.get(look)
    if (alike === undefined) looks.set(look, [peer])
    else alike.push(peer)
  }
  for (const alike of looks.values()) {
    const [one] = alike
    if (one === undefined) continue
    const size = radius * (0.4 + 0.6 * one.presence)
    context.globalAlpha = one.presence
    context.fillStyle = palette.ground
    circles(context, alike, size + Math.min(2, radius * 0.4))
    context.fill()
    context.globalAlpha = one.presence * (one.isFaint ? 0.18 : 1)
    const colour = `oklch(${palette.peerTone} ${one.hue})`
    circles(context, alike, one.isRelayed ? size - 1 : size)
    if (one.isRelayed) {
      // Not quite here: a ring.
      context.strokeStyle = colour
      context.lineWidth = Math.min(2, size * 0.5)
      context.stroke()
    } else {
      context.fillStyle = colour
      context.fill()
    }
  }
}

function circles(context: CanvasRenderingContext2D, peers: readonly PaintedPeer[], radius: number): void {
  context.beginPath()
  for (const { at } of peers) arc(context, at, radius)
}

function arc(context: CanvasRenderingContext2D, at: Point, radius: number): void {
  const size = Math.max(0.5, radius)
  context.moveTo(at.x + size, at.y)
  context.arc(at.x, at.y, size, 0, 2 * Math.PI)
}

function paintDirectory(
  context: CanvasRenderingContext2D,
  { at, name, state }: PaintedDirectory,
  frame: Frame,
  palette: Palette,
  room: Room
): void {
  const half = directoryHalf(frame.gap)
  context.globalAlpha = 1
  context.beginPath()
  context.roundRect(at.x - half, at.y - half, 2 * half, 2 * half, half * 0.55)
  context.fillStyle = state === 'here' ? palette.accent : palette.ground
  context.fill()
  context.strokeStyle = state === 'lost' ? palette.dim : palette.accent
  context.lineWidth = 2
  context.setLineDash(state === 'lost' ? [3, 3] : [])
  context.stroke()
  context.setLineDash([])
  context.font = `650 12px ${palette.font}`
  const text = state === 'lost' ? `${name} (lost)` : name
  const box = placeDirectory({ at, text }, frame, (one) => context.measureText(one).width, room)
  context.fillStyle = palette.ground
  context.globalAlpha = 0.88
  context.beginPath()
  context.roundRect(box.left, box.top, box.right - box.left, box.bottom - box.top, 6)
  context.fill()
  context.globalAlpha = 1
  context.fillStyle = state === 'lost' ? palette.dim : palette.text
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillText(text, (box.left + box.right) / 2, box.top + 9.5)
}

interface WrittenName {
  readonly text: string
  readonly box: Box
  readonly presence: number
  readonly colour: string
  /** How far around it covers what was there. */
  readonly haloPx: number
}

function writeName(context: CanvasRenderingContext2D, name: WrittenName, palette: Palette): void {
  const { text, box, presence, colour, haloPx } = name
  const [x, y] = [(box.left + box.right) / 2, box.top + 7.5]
  context.globalAlpha = presence
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.lineJoin = 'round'
  context.lineWidth = haloPx
  context.strokeStyle = palette.ground
  context.strokeText(text, x, y)
  context.fillStyle = colour
  context.fillText(text, x, y)
}

/** Closer than this, no name fits between two dots. */
const leastNamedGapPx = 9
