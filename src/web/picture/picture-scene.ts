// The picture as it lives: from the roster to places, from places to pixels, and
// from where everybody was to where they are now. Owns the canvas and its
// frames; the component around it only tells what is to be shown.
import type { DirectoryJson } from '../../directory/http/roster-api.ts'
import { PAGE_MOVING_PEERS, paint, paintMarked, readPalette } from './picture-paint.ts'
import { leastHole, nextPlaces, pictureLayout } from './picture-layout.ts'
import type { PictureLayout, Places, Point } from './picture-layout.ts'
import { dotRadius } from './picture-names.ts'
import type { Names, PaintedDirectory, PaintedPeer, Palette } from './picture-paint.ts'
import type { Peer } from '../model/roster-model.ts'
import { hueOf } from '../model/colours.ts'

/** How long a peer takes to its new place in the picture. */
const PAGE_MOVE_MS = 320

export interface Scene {
  readonly peers: readonly Peer[]
  readonly directories: readonly DirectoryJson[]
  /** Who matches the search; undefined: everybody. */
  readonly found: ReadonlySet<string> | undefined
  readonly marked: ReadonlySet<string>
}

interface Actor {
  peer: Peer
  from: Point
  to: Point
  /** 0 while it comes, 1 while it is there. */
  presenceFrom: number
  presenceTo: number
}

/** Two names fit side by side; a lonely peer is no balloon. */
const maxGapPx = 92
/** A frame of the screen; and so many times what a longer one took is left to others. */
const slowPaintMs = 16
const restAfterPaint = 4
const marginPx = { side: 34, top: 26, bottom: 46 }
/** From the middle of a directory to the far corner of its name. */
const namePx = 54
/** A name among many thousands covers some of them. */
const widestHole = 6
/** After these the two agree to a few pixels. */
const holeRounds = 4

export class PictureScene {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  readonly #base: HTMLCanvasElement
  readonly #baseContext: CanvasRenderingContext2D
  #scene: Scene = { peers: [], directories: [], found: undefined, marked: new Set() }
  #places: Places = new Map()
  readonly #actors = new Map<string, Actor>()
  #stands = new Map<string, Point>()
  #gap = 1
  #names: Names = new Map()
  #palette: Palette
  #size = { width: 0, height: 0 }
  #frame: number | undefined
  #pause: ReturnType<typeof setTimeout> | undefined
  /** The base canvas is out of date. */
  #isStale = true
  #paintedAtMs = -Infinity
  #tookMs = 0
  #movedAtMs = 0

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext('2d')
    if (context === null) throw new TypeError('this browser draws no pictures')
    this.#canvas = canvas
    this.#context = context
    this.#base = document.createElement('canvas')
    const base = this.#base.getContext('2d')
    if (base === null) throw new TypeError('this browser draws no second picture')
    this.#baseContext = base
    this.#palette = readPalette(canvas)
  }

  show(scene: Scene): void {
    const isSameRoster = scene.peers === this.#scene.peers && scene.directories === this.#scene.directories
    if (!isSameRoster || scene.found !== this.#scene.found) this.#isStale = true
    this.#scene = scene
    if (!isSameRoster) this.#arrange(true)
    this.#request()
  }

  resize(width: number, height: number): void {
    if (width === this.#size.width && height === this.#size.height) return
    this.#size = { width, height }
    this.#isStale = true
    this.#arrange(false)
    this.#request()
  }

  restyle(): void {
    this.#palette = readPalette(this.#canvas)
    this.#isStale = true
    this.#request()
  }

  stop(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
    this.#frame = undefined
    clearTimeout(this.#pause)
    this.#pause = undefined
  }

  /** @returns the peer at this place of the canvas, or near it */
  at({ x, y }: Point): { readonly peer: Peer; readonly at: Point } | undefined {
    let nearest: Actor | undefined
    let least = Math.max(12, dotRadius(this.#gap) + 4)
    for (const actor of this.#actors.values()) {
      if (actor.presenceTo === 0) continue
      const apart = Math.hypot(actor.to.x - x, actor.to.y - y)
      if (apart < least) [nearest, least] = [actor, apart]
    }
    return nearest === undefined ? undefined : { peer: nearest.peer, at: nearest.to }
  }

  #arrange(isMoving: boolean): void {
    const { peers, directories } = this.#scene
    const { width, height } = this.#size
    this.#places = nextPlaces(this.#places, peers.length === 0 ? [] : peers)
    if (width === 0 || height === 0) return
    const ids = directories.map(({ directory }) => directory)
    const inside = { width: width - 2 * marginPx.side, height: height - marginPx.top - marginPx.bottom }
    const aspect = width / height
    let layout = pictureLayout(ids, this.#places, { aspect, hole: leastHole })
    this.#gap = gapOf(layout, inside)
    // How far apart peers are decides how wide a hole a name needs, and the hole how far apart they can be.
    for (let round = 0; round < holeRounds && namePx / this.#gap > leastHole; round++) {
      layout = pictureLayout(ids, this.#places, { aspect, hole: Math.min(widestHole, namePx / this.#gap) })
      this.#gap = gapOf(layout, inside)
    }
    const { left, top, right, bottom } = layout.box
    const middle = { x: width / 2, y: marginPx.top + inside.height / 2 }
    const toPixels = ({ x, y }: Point): Point => ({
      x: middle.x + (x - (left + right) / 2) * this.#gap,
      y: middle.y + (y - (top + bottom) / 2) * this.#gap
    })
    this.#stands = new Map([...layout.directories].map(([id, at]) => [id, toPixels(at)]))
    const moves = isMoving && peers.length <= PAGE_MOVING_PEERS && !isCalm()
    const nowMs = performance.now()
    const passed = this.#passed(nowMs)
    const wasEmpty = this.#actors.size === 0
    const there = new Set<string>()
    for (const peer of peers) {
      const to = layout.peers.get(peer.peer)
      if (to === undefined) continue
      there.add(peer.peer)
      this.#place(peer, toPixels(to), passed, moves && !wasEmpty)
    }
    for (const [id, actor] of this.#actors) {
      if (there.has(id)) continue
      const presence = blend(actor.presenceFrom, actor.presenceTo, passed)
      if (!moves || (actor.presenceTo === 0 && presence < 0.02)) this.#actors.delete(id)
      else Object.assign(actor, { from: between(actor.from, actor.to, passed), presenceFrom: presence, presenceTo: 0 })
    }
    this.#movedAtMs = moves && !wasEmpty ? nowMs : -Infinity
  }

  #place(peer: Peer, to: Point, passed: number, moves: boolean): void {
    const actor = this.#actors.get(peer.peer)
    if (actor === undefined) {
      this.#actors.set(peer.peer, { peer, from: to, to, presenceFrom: moves ? 0 : 1, presenceTo: 1 })
      return
    }
    actor.from = moves ? between(actor.from, actor.to, passed) : to
    actor.presenceFrom = moves ? blend(actor.presenceFrom, actor.presenceTo, passed) : 1
    actor.presenceTo = 1
    actor.to = to
    actor.peer = peer
  }

  #request(): void {
    if (this.#frame !== undefined || this.#pause !== undefined) return
    // What took long is not done again at once: the list has to go on meanwhile.
    const waitMs =
      this.#tookMs < slowPaintMs ? 0 : this.#paintedAtMs + restAfterPaint * this.#tookMs - performance.now()
    if (waitMs > 0) {
      this.#pause = setTimeout(() => {
        this.#pause = undefined
        this.#request()
      }, waitMs)
      return
    }
    this.#frame = requestAnimationFrame((nowMs) => {
      this.#frame = undefined
      this.#draw(nowMs)
    })
  }

  #draw(nowMs: number): void {
    const { width, height } = this.#size
    if (width === 0 || height === 0) return
    const passed = this.#passed(nowMs)
    if (this.#isStale) this.#paintBase(passed)
    const scale = fitTo(this.#canvas, width, height)
    const context = this.#context
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.globalAlpha = 1
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height)
    context.drawImage(this.#base, 0, 0)
    context.setTransform(scale, 0, 0, scale, 0, 0)
    const marked = [...this.#scene.marked].flatMap((id) => this.#actors.get(id) ?? [])
    const painted = marked.map((actor) => this.#painted(actor, passed, undefined))
    paintMarked(context, { gap: this.#gap }, painted, this.#names, this.#palette)
    if (this.#isStale) this.#request()
  }

  /** All people, on a canvas of their own: pointing at one does not repaint the others. */
  #paintBase(passed: number): void {
    const startedMs = performance.now()
    const { width, height } = this.#size
    const scale = fitTo(this.#base, width, height)
    this.#baseContext.setTransform(scale, 0, 0, scale, 0, 0)
    if (passed >= 1) for (const [id, { presenceTo }] of this.#actors) if (presenceTo === 0) this.#actors.delete(id)
    const { found } = this.#scene
    const peers = [...this.#actors.values()].map((actor) => this.#painted(actor, passed, found))
    const [directories, links] = [this.#paintedDirectories(), this.#links()]
    this.#names = paint(this.#baseContext, { width, height, gap: this.#gap, peers, directories, links }, this.#palette)
    this.#isStale = passed < 1
    this.#paintedAtMs = performance.now()
    this.#tookMs = this.#paintedAtMs - startedMs
  }

  #painted({ peer, from, to, presenceFrom, presenceTo }: Actor, passed: number, found: Scene['found']): PaintedPeer {
    return {
      id: peer.peer,
      name: peer.name,
      hue: hueOf(peer.peer),
      isRelayed: peer.path === 'relayed',
      at: between(from, to, passed),
      links: peer.directories.flatMap((id) => this.#stands.get(id) ?? []),
      presence: blend(presenceFrom, presenceTo, passed),
      isFaint: found !== undefined && !found.has(peer.peer)
    }
  }

  #paintedDirectories(): readonly PaintedDirectory[] {
    return this.#scene.directories.flatMap(({ directory, shortId, state }) => {
      const at = this.#stands.get(directory)
      return at === undefined ? [] : [{ id: directory, name: shortId, at, state }]
    })
  }

  /** Directories that tell each other of their peers. */
  #links(): readonly (readonly [Point, Point])[] {
    const alive = this.#scene.directories.filter(({ state }) => state !== 'lost')
    const stands = alive.flatMap(({ directory }) => this.#stands.get(directory) ?? [])
    return stands.flatMap((from, i) => stands.slice(i + 1).map((to) => [from, to] as const))
  }

  #passed(nowMs: number): number {
    const part = Math.min(1, Math.max(0, (nowMs - this.#movedAtMs) / PAGE_MOVE_MS))
    return 1 - (1 - part) ** 3
  }
}

function gapOf({ box }: PictureLayout, inside: { readonly width: number; readonly height: number }): number {
  const widest = Math.min(inside.width / (box.right - box.left || 1), inside.height / (box.bottom - box.top || 1))
  return Math.max(1, Math.min(maxGapPx, widest))
}

/** @returns the pixels of the screen in one of the page */
function fitTo(canvas: HTMLCanvasElement, width: number, height: number): number {
  const scale = devicePixelRatio
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)]
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high]
  return scale
}

function isCalm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}

function between(from: Point, to: Point, part: number): Point {
  return { x: blend(from.x, to.x, part), y: blend(from.y, to.y, part) }
}

function blend(from: number, to: number, part: number): number {
  return from + (to - from) * part
}
