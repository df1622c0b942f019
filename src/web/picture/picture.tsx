// The picture of directories and peers. It says to a screen reader what it is of,
// and leaves the rest to the list, which says the same.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { DirectoryJson } from '../../directory/http/roster-api.ts'
import { PictureScene } from './picture-scene.ts'
import type { Point } from './picture-layout.ts'
import type { Peer } from '../model/roster-model.ts'
import { count, pathWord } from '../model/words.ts'

export interface PictureProps {
  readonly peers: readonly Peer[]
  readonly directories: readonly DirectoryJson[]
  readonly found: ReadonlySet<string> | undefined
  readonly chosen: string | undefined
  readonly theme: string
  readonly onChoose: (peer: string | undefined) => void
}

interface Hover {
  readonly peer: Peer
  readonly at: Point
}

export function Picture({ peers, directories, found, chosen, theme, onChoose }: PictureProps) {
  const frame = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const scene = useRef<PictureScene | undefined>(undefined)
  const [hover, setHover] = useState<Hover>()

  useEffect(() => {
    if (canvas.current === null || frame.current === null) return
    const picture = new PictureScene(canvas.current)
    scene.current = picture
    const sizes = new ResizeObserver(([entry]) => {
      if (entry !== undefined) picture.resize(entry.contentRect.width, entry.contentRect.height)
    })
    sizes.observe(frame.current)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const restyle = (): void => picture.restyle()
    dark.addEventListener('change', restyle)
    return () => {
      sizes.disconnect()
      dark.removeEventListener('change', restyle)
      picture.stop()
    }
  }, [])
  useEffect(() => scene.current?.restyle(), [theme])
  useEffect(() => {
    const marked = new Set([chosen, hover?.peer.peer].filter((peer) => peer !== undefined))
    scene.current?.show({ peers, directories, found, marked })
  }, [peers, directories, found, chosen, hover])

  const pointed = (event: MouseEvent): Hover | undefined => scene.current?.at({ x: event.offsetX, y: event.offsetY })
  const summary = `Picture: ${count(directories.length, 'directory', 'directories')} and ${count(peers.length, 'peer')} around them. The list says the same.`
  return (
    <div class="picture" ref={frame}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={summary}
        class={hover === undefined ? undefined : 'points'}
        onPointerMove={(event) => {
          const next = pointed(event)
          setHover((before) => (before?.peer.peer === next?.peer.peer ? before : next))
        }}
        onPointerLeave={() => setHover(undefined)}
        onClick={(event) => onChoose(pointed(event)?.peer.peer)}
      />
      <div class="legend" aria-hidden="true">
        {directories.length > 1 && <span class="square solid">this directory</span>}
        {directories.length > 1 && <span class="square">others</span>}
        {directories.some(({ state }) => state === 'lost') && <span class="square lost">lost</span>}
        {peers.some(({ path }) => path === 'relayed') && <span>by relay</span>}
      </div>
      {hover !== undefined && <HoverCard {...hover} width={frame.current?.clientWidth ?? 0} />}
    </div>
  )
}

function HoverCard({ peer, at, width }: Hover & { readonly width: number }) {
  const isLeft = at.x > width / 2
  return (
    <div
      class={isLeft ? 'hover-card to-left' : 'hover-card'}
      aria-hidden="true"
      style={{ left: `${at.x}px`, top: `${at.y}px` }}
    >
      <strong dir="auto">{peer.name}</strong>
      <code>{peer.shortId}</code>
      {peer.says !== '' && <p dir="auto">{peer.says}</p>}
      <small>
        {pathWord(peer.path)}, {count(peer.directories.length, 'directory', 'directories')}
      </small>
    </div>
  )
}
