// Draws the picture on a canvas: lines, peers, directories, and as many names as
// there is room for. It is told where everything stands, and knows no roster.
import { PAGE_LABEL_CHARS } from './constants.ts'
import type { Point } from './picture-layout.ts'

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

export interface Painting {
  readonly width: number
  readonly height: number
  /** Pixels from one peer to the next. */
  readonly gap: number
  readonly peers: readonly PaintedPeer[]
  readonly directories: readonly PaintedDirectory[]
  readonly links: readonly (readonly [Point, Point])[]
  /** The peers that are pointed at, by their IDs. */
  readonly marked: ReadonlySet<string>
}

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

/** @returns the radius of a peer's dot, in pixels */
export function dotRadius(gap: number): number {
  return Math.min(11, Math.max(2.2, gap * 0.21))
}

export function paint(context: CanvasRenderingContext2D, painting: Painting, palette: Palette): void {
  const { width, height, peers, marked } = painting
  context.clearRect(0, 0, width, height)
  const ordinary = peers.filter(({ id }) => !marked.has(id))
  const pointedAt = peers.filter(({ id }) => marked.has(id))
  paintLinks(context, painting, ordinary, pointedAt, palette)
  const radius = dotRadius(painting.gap)
  for (const peer of ordinary) paintPeer(context, peer, radius, palette)
  for (const peer of pointedAt) paintPeer(context, peer, radius, palette, true)
  const room = new Room()
  for (const directory of painting.directories) paintDirectory(context, directory, painting.gap, palette, room)
  for (const { at } of peers)
    room.take({ left: at.x - radius, top: at.y - radius, right: at.x + radius, bottom: at.y + radius })
  context.font = `500 12px ${palette.font}`
  for (const peer of [...pointedAt, ...ordinary]) paintName(context, peer, radius, palette, room, marked.has(peer.id))
  context.globalAlpha = 1
}

function paintLinks(
  context: CanvasRenderingContext2D,
  { links, peers }: Painting,
  ordinary: readonly PaintedPeer[],
  pointedAt: readonly PaintedPeer[],
  palette: Palette
): void {
  context.strokeStyle = palette.line
  context.lineWidth = 1.5
  context.setLineDash([2, 5])
  for (const [from, to] of links) stroke(context, from, to)
  context.setLineDash([])
  // Many lines become a haze, and not a wall.
  const strength = Math.min(1, 10 / Math.sqrt(Math.max(1, peers.length)))
  context.lineWidth = peers.length > 150 ? 0.75 : 1
  for (const { at, links: to, presence, isFaint } of ordinary) {
    context.globalAlpha = strength * presence * (isFaint ? 0.25 : 1)
    for (const end of to) stroke(context, at, end)
  }
  context.strokeStyle = palette.accent
  context.lineWidth = 1.75
  context.globalAlpha = 1
  for (const { at, links: to } of pointedAt) for (const end of to) stroke(context, at, end)
}

function stroke(context: CanvasRenderingContext2D, from: Point, to: Point): void {
  context.beginPath()
  context.moveTo(from.x, from.y)
  context.lineTo(to.x, to.y)
  context.stroke()
}

function paintPeer(
  context: CanvasRenderingContext2D,
  { at, hue, presence, isFaint, isRelayed }: PaintedPeer,
  radius: number,
  palette: Palette,
  isMarked = false
): void {
  const size = radius * (0.4 + 0.6 * presence)
  const colour = `oklch(${palette.peerTone} ${hue})`
  context.globalAlpha = presence * (isFaint && !isMarked ? 0.18 : 1)
  circle(context, at, size + Math.min(2, radius * 0.4))
  context.fillStyle = palette.ground
  context.fill()
  circle(context, at, isRelayed ? size - 1 : size)
  if (isRelayed) {
    // Not quite here: a ring.
    context.strokeStyle = colour
    context.lineWidth = 2
    context.stroke()
  } else {
    context.fillStyle = colour
    context.fill()
  }
  if (!isMarked) return
  circle(context, at, size + 4)
  context.strokeStyle = palette.accent
  context.lineWidth = 2
  context.stroke()
}

function circle(context: CanvasRenderingContext2D, at: Point, radius: number): void {
  context.beginPath()
  context.arc(at.x, at.y, Math.max(0.5, radius), 0, 2 * Math.PI)
}

function paintDirectory(
  context: CanvasRenderingContext2D,
  { at, name, state }: PaintedDirectory,
  gap: number,
  palette: Palette,
  room: Room
): void {
  const half = Math.min(17, Math.max(9, gap * 0.42))
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
  const wide = context.measureText(text).width
  const top = at.y + half + 4
  const box = { left: at.x - wide / 2 - 6, top, right: at.x + wide / 2 + 6, bottom: top + 18 }
  room.take({ left: at.x - half, top: at.y - half, right: at.x + half, bottom: at.y + half })
  room.take(box)
  context.fillStyle = palette.ground
  context.globalAlpha = 0.88
  context.beginPath()
  context.roundRect(box.left, box.top, box.right - box.left, 18, 6)
  context.fill()
  context.globalAlpha = 1
  context.fillStyle = state === 'lost' ? palette.dim : palette.text
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillText(text, at.x, top + 9.5)
}

function paintName(
  context: CanvasRenderingContext2D,
  { at, name, presence, isFaint }: PaintedPeer,
  radius: number,
  palette: Palette,
  room: Room,
  isMarked: boolean
): void {
  if (isFaint && !isMarked) return
  const chars = Array.from(name)
  const text = chars.length > PAGE_LABEL_CHARS ? `${chars.slice(0, PAGE_LABEL_CHARS - 1).join('')}…` : name
  const wide = context.measureText(text).width
  const top = at.y + radius + 3
  const box = { left: at.x - wide / 2 - 3, top, right: at.x + wide / 2 + 3, bottom: top + 14 }
  if (!isMarked && !room.isFree(box)) return
  room.take(box)
  context.globalAlpha = presence
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.lineJoin = 'round'
  context.lineWidth = 3
  context.strokeStyle = palette.ground
  context.strokeText(text, at.x, top + 7.5)
  context.fillStyle = isMarked ? palette.text : palette.dim
  context.fillText(text, at.x, top + 7.5)
}

interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** Which parts of the picture are covered already, in a coarse grid. */
class Room {
  readonly #cells = new Map<string, Box[]>()

  take(box: Box): void {
    for (const cell of cellsOf(box)) {
      const boxes = this.#cells.get(cell)
      if (boxes === undefined) this.#cells.set(cell, [box])
      else boxes.push(box)
    }
  }

  isFree(box: Box): boolean {
    return cellsOf(box).every((cell) => (this.#cells.get(cell) ?? []).every((other) => !overlap(box, other)))
  }
}

const cellPx = 48

function cellsOf({ left, top, right, bottom }: Box): string[] {
  const cells: string[] = []
  for (let x = Math.floor(left / cellPx); x <= Math.floor(right / cellPx); x++) {
    for (let y = Math.floor(top / cellPx); y <= Math.floor(bottom / cellPx); y++) cells.push(`${x},${y}`)
  }
  return cells
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}
