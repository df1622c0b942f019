// Where everybody stands in the picture: directories in the middle, around each
// its peers in rings, and between directories the peers that are attached to
// both. Pure, and the same for the same history: who stays keeps the place.

export interface Point {
  readonly x: number
  readonly y: number
}

export interface PictureLayout {
  /** In units of the distance between two peers. */
  readonly peers: ReadonlyMap<string, Point>
  readonly directories: ReadonlyMap<string, Point>
  readonly box: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number }
}

/** The peers of each set of directories, in the order of their places. */
export type Places = ReadonlyMap<string, readonly string[]>

/** The first ring around a directory, where nothing else asks for more. */
export const leastHole = 1.9
/** A directory that nobody is attached to alone. */
const bareRadius = 1.1
const golden = 2.399_963
/** However many groups there are, the picture does not become a desert. */
const maxSpread = 4

/** The last of the group takes the place of a peer that leaves, so that at most one moves far. */
export function nextPlaces(
  before: Places,
  peers: Iterable<{ readonly peer: string; readonly directories: readonly string[] }>
): Places {
  const groupOf = new Map<string, string>()
  for (const { peer, directories } of peers) groupOf.set(peer, directories.toSorted().join(' '))
  const next = new Map<string, string[]>()
  const placed = new Set<string>()
  for (const [group, members] of before) {
    const kept = [...members]
    for (let i = 0; i < kept.length;) {
      const member = kept[i]
      if (member !== undefined && groupOf.get(member) === group) {
        placed.add(member)
        i++
        continue
      }
      const last = kept.pop()
      if (i < kept.length && last !== undefined) kept[i] = last
    }
    if (kept.length > 0) next.set(group, kept)
  }
  for (const [peer, group] of groupOf) {
    if (placed.has(peer)) continue
    const members = next.get(group) ?? []
    members.push(peer)
    next.set(group, members)
  }
  return next
}

/**
 * @param shape.aspect width by height of what it is drawn on
 * @param shape.hole the radius of the first ring around a directory, which leaves room for its name
 */
export function pictureLayout(
  directories: readonly string[],
  places: Places,
  shape: { readonly aspect: number; readonly hole: number }
): PictureLayout {
  const unit = directoryUnits(directories, shape.aspect)
  const discs = discsOf(unit, places, shape.hole)
  const spread = spreadOf(discs)
  const peers = new Map<string, Point>()
  const box = { left: 0, top: 0, right: 0, bottom: 0 }
  for (const { at, members, radius, hole } of discs) {
    const centre = { x: at.x * spread, y: at.y * spread }
    box.left = Math.min(box.left, centre.x - radius)
    box.right = Math.max(box.right, centre.x + radius)
    box.top = Math.min(box.top, centre.y - radius)
    box.bottom = Math.max(box.bottom, centre.y + radius)
    for (const [i, offset] of ringPoints(members.length, hole).entries()) {
      const member = members[i]
      if (member !== undefined) peers.set(member, { x: centre.x + offset.x, y: centre.y + offset.y })
    }
  }
  const stands = [...unit].map(([id, at]): [string, Point] => [id, { x: at.x * spread, y: at.y * spread }])
  return { peers, directories: new Map(stands), box }
}

interface Disc {
  readonly at: Point
  readonly members: readonly string[]
  readonly radius: number
  /** The radius of its first ring; 0 where nothing stands in its middle. */
  readonly hole: number
}

/** One in the middle; two side by side, or one above the other where it is narrow; more on a circle. */
function directoryUnits(directories: readonly string[], aspect: number): Map<string, Point> {
  const n = directories.length
  if (n <= 1) return new Map(directories.map((id) => [id, { x: 0, y: 0 }]))
  const first = n === 2 && aspect > 1 ? Math.PI : -Math.PI / 2
  return new Map(
    directories.map((id, i) => {
      const angle = first + (i * 2 * Math.PI) / n
      return [id, { x: Math.cos(angle), y: Math.sin(angle) }]
    })
  )
}

function discsOf(unit: ReadonlyMap<string, Point>, places: Places, hole: number): readonly Disc[] {
  const discs: Disc[] = [...unit].map(([id, at]) => {
    const members = places.get(id) ?? []
    return { at, members, radius: members.length === 0 ? bareRadius : ringRadius(members.length, hole), hole }
  })
  const taken: Point[] = []
  for (const [group, members] of [...places].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const ids = group.split(' ').filter((id) => unit.has(id))
    if (ids.length === 1 && group === ids[0]) continue
    const mean = meanOf(ids.flatMap((id) => unit.get(id) ?? []))
    // Of several groups in one place, as of opposite directories on a circle, each next one stands aside.
    const crowd = taken.filter((at) => distance(at, mean) < 0.05).length
    taken.push(mean)
    const at = {
      x: mean.x + 0.3 * Math.sqrt(crowd) * Math.cos(crowd * golden),
      y: mean.y + 0.3 * Math.sqrt(crowd) * Math.sin(crowd * golden)
    }
    discs.push({ at, members, radius: ringRadius(members.length, 0), hole: 0 })
  }
  return discs
}

/** How far the unit circle is stretched, so that no two discs overlap. */
function spreadOf(discs: readonly Disc[]): number {
  let spread = 0
  for (const [i, a] of discs.entries()) {
    for (const b of discs.slice(i + 1)) {
      const apart = distance(a.at, b.at)
      if (apart > 0.01) spread = Math.max(spread, (a.radius + b.radius) / apart)
    }
  }
  const area = Math.sqrt(discs.reduce((sum, { radius }) => sum + radius * radius, 0))
  return Math.min(spread, maxSpread * area)
}

function ringCapacity(ring: number, hole: number): number {
  return Math.max(1, Math.floor(2 * Math.PI * (hole + ring)))
}

function ringPoints(n: number, hole: number): Point[] {
  const points: Point[] = []
  if (isFew(n, hole)) return circlePoints(n, fewRadius(n), 0)
  for (let ring = 0; points.length < n; ring++) {
    const inRing = Math.min(ringCapacity(ring, hole), n - points.length)
    points.push(...circlePoints(inRing, hole + ring, ring * 0.6))
  }
  return points
}

/** A few in the middle of nowhere stand around it, and none in the centre. */
function isFew(n: number, hole: number): boolean {
  return hole === 0 && n > 1 && n < 6
}

/** So far apart that their names fit. */
function fewRadius(n: number): number {
  return 0.72 / Math.sin(Math.PI / n)
}

function circlePoints(n: number, radius: number, turn: number): Point[] {
  return Array.from({ length: n }, (_, i) => {
    const angle = -Math.PI / 2 + turn + (i * 2 * Math.PI) / n
    return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) }
  })
}

function ringRadius(n: number, hole: number): number {
  if (isFew(n, hole)) return fewRadius(n) + 0.8
  let ring = 0
  for (let left = n - ringCapacity(0, hole); left > 0; left -= ringCapacity(ring, hole)) ring++
  return hole + ring + 0.8
}

function meanOf(points: readonly Point[]): Point {
  const n = Math.max(1, points.length)
  return { x: points.reduce((sum, { x }) => sum + x, 0) / n, y: points.reduce((sum, { y }) => sum + y, 0) / n }
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
}
