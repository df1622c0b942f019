// The page: what is looked for, what is chosen, and where each part stands. The
// roster comes from LiveRoster; everything below only shows it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Announcer } from './announcer.tsx'
import { CommandLine } from './command-line.tsx'
import { joinWith, type Join } from './model/commands.ts'
import { Details } from './details.tsx'
import { LinkBanner, LinkPill } from './link-state.tsx'
import { LiveRoster } from './model/live-roster.ts'
import type { Link } from './model/live-roster.ts'
import { PeopleList } from './people-list.tsx'
import { Picture } from './picture/picture.tsx'
import { byArrival, matching, namesakesOf } from './model/roster-model.ts'
import type { Peer, RosterModel } from './model/roster-model.ts'
import { Directories, Lately } from './side.tsx'
import { applyTheme, nextTheme, readTheme } from './model/colours.ts'
import { count, joinText, waitingText } from './model/words.ts'

/** Times such as "4 min" are brought up to date this often. */
const PAGE_CLOCK_MS = 10_000

type Part = 'people' | 'picture' | 'lately'
type Order = 'name' | 'arrival'

const parts: readonly { readonly part: Part; readonly word: string }[] = [
  { part: 'people', word: 'People' },
  { part: 'picture', word: 'Picture' },
  { part: 'lately', word: 'Lately' }
]

export function App() {
  const [model, setModel] = useState<RosterModel>()
  const [link, setLink] = useState<Link>({ state: 'connecting' })
  const live = useRef<LiveRoster | undefined>(undefined)
  const [theme, setTheme] = useState(readTheme)
  const [query, setQuery] = useState('')
  const [order, setOrder] = useState<Order>('name')
  const [part, setPart] = useState<Part>('people')
  const [chosen, setChosen] = useState<string>()
  const search = useRef<HTMLInputElement>(null)
  const localNowMs = useClock()

  useEffect(() => {
    live.current = new LiveRoster({ onRoster: setModel, onLink: setLink })
    live.current.start()
  }, [])
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key === '/' && document.activeElement !== search.current && !event.ctrlKey && !event.metaKey) {
        event.preventDefault()
        setPart('people')
        search.current?.focus()
      }
      if (event.key === 'Escape') {
        setChosen(undefined)
        if (document.activeElement === search.current) setQuery('')
      }
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])

  const everybody = model?.byName ?? nobody
  const total = everybody.length
  useEffect(() => {
    document.title = titleText(model, link)
  }, [model?.network, total, link.state])
  const ordered = useMemo(() => (order === 'name' ? everybody : byArrival(everybody)), [everybody, order])
  const shown = useMemo(() => matching(ordered, query), [ordered, query])
  const found = useMemo(
    () => (query.trim() === '' ? undefined : new Set(shown.map(({ peer }) => peer))),
    [shown, query]
  )
  const directories = model?.directories ?? noDirectories
  const directoryNames = useMemo(
    () => new Map(directories.length < 2 ? [] : directories.map(({ directory, shortId }) => [directory, shortId])),
    [directories]
  )
  const nowMs = localNowMs + (model?.clockAheadMs ?? 0)
  const peer = chosen === undefined ? undefined : model?.peers.get(chosen)
  const isShown = link.state === 'live'
  const join = model === undefined ? undefined : joinWith(model, location.hostname)
  const empty =
    model === undefined ? (
      waitingText
    ) : total > 0 ? (
      `Nobody matches “${query.trim()}”.`
    ) : (
      <NobodyOnline join={join} isRelayOnly={model.isRelayOnly} />
    )
  return (
    <div class={`app showing-${part}`} data-link={link.state}>
      <header class="top">
        <div class="title">
          <h1>
            {model === undefined ? (
              connectingText(link)
            ) : model.isRelayOnly ? (
              'Relay'
            ) : (
              <>
                <span class="number">{total.toLocaleString()}</span> {isShown ? 'online' : 'were online'}
              </>
            )}
          </h1>
          <p class="counts">
            {(model === undefined ? ['Parley directory'] : counts(model)).map((words) => (
              <span key={words}>{words}</span>
            ))}
          </p>
        </div>
        <div class="tools">
          {model !== undefined && <LinkPill link={link} />}
          <button
            type="button"
            class="quiet theme"
            aria-label={`Theme: ${themeWords[theme]}. Change it`}
            onClick={() => {
              const next = nextTheme(theme)
              applyTheme(next)
              setTheme(next)
            }}
          >
            {themeWords[theme]}
          </button>
        </div>
      </header>
      <LinkBanner link={link} hasRoster={model !== undefined} onRetry={() => live.current?.tryNow()} />
      <nav class="parts" aria-label="Parts of the page">
        {parts.map(({ part: one, word }) => (
          <button type="button" key={one} aria-pressed={part === one} onClick={() => setPart(one)}>
            {word}
          </button>
        ))}
      </nav>
      <main>
        <section class="column-people" aria-label="People">
          <div class="finder">
            <input
              ref={search}
              type="search"
              value={query}
              placeholder="Search names, IDs, addresses"
              aria-label="Search people"
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => setQuery(event.currentTarget.value)}
              onKeyDown={(event) => {
                const first = shown[0]
                if (event.key === 'ArrowDown' && first !== undefined) {
                  event.preventDefault()
                  document.querySelector<HTMLElement>('.people')?.focus()
                  setChosen(first.peer)
                }
              }}
            />
            <button
              type="button"
              class="quiet order"
              aria-label={`Order: ${order === 'name' ? 'by name' : 'newest first'}. Change it`}
              onClick={() => setOrder(order === 'name' ? 'arrival' : 'name')}
            >
              {order === 'name' ? 'A–Z' : 'Newest'}
            </button>
          </div>
          {found !== undefined && total > 0 && (
            <p class="found" role="status">
              {shown.length.toLocaleString()} of {count(total, 'peer')}
            </p>
          )}
          <PeopleList
            peers={shown}
            nowMs={nowMs}
            chosen={chosen}
            directoryNames={directoryNames}
            namesakes={(one) => (model === undefined ? 0 : namesakesOf(model, one).length)}
            empty={empty}
            onChoose={setChosen}
          />
        </section>
        <section class="column-picture" aria-label="Picture">
          <Picture
            peers={everybody}
            directories={directories}
            found={found}
            chosen={chosen}
            theme={theme}
            onChoose={setChosen}
          />
        </section>
        <aside class="column-side" aria-label="Details, directories, and what happened lately">
          {peer !== undefined && (
            <Details
              peer={peer}
              directories={directories}
              namesakes={model === undefined ? [] : namesakesOf(model, peer)}
              nowMs={nowMs}
              onClose={() => setChosen(undefined)}
            />
          )}
          <Directories directories={model?.directories} join={total === 0 ? undefined : join} nowMs={nowMs} />
          <Lately
            recent={model?.recent}
            nowMs={nowMs}
            isOnline={(id) => model?.peers.has(id) === true}
            onChoose={setChosen}
          />
        </aside>
      </main>
      <Announcer recent={model?.recent} link={link} />
    </div>
  )
}

const nobody: readonly Peer[] = []
const noDirectories: RosterModel['directories'] = []
const themeWords = { auto: 'Auto', light: 'Light', dark: 'Dark' } as const

function NobodyOnline({ join, isRelayOnly }: { readonly join: Join | undefined; readonly isRelayOnly: boolean }) {
  return (
    <>
      {isRelayOnly ? (
        <>
          <strong>This is a relay: it keeps no roster.</strong> Two people who both name it reach each other through it.
        </>
      ) : (
        <>
          <strong>Nobody is online yet.</strong> Anyone who starts Parley on this machine or its local network will
          appear here.
        </>
      )}
      {join !== undefined && (
        <>
          {' '}
          {joinText(join)}:
          <CommandLine text={join.command} />
        </>
      )}
    </>
  )
}

function connectingText({ state }: Link): string {
  return state === 'waiting' ? 'Not connected' : 'Connecting …'
}

function titleText(model: RosterModel | undefined, link: Link): string {
  if (model === undefined) return `${connectingText(link)} · Parley`
  const here = model.isRelayOnly ? 'Relay' : `${model.byName.length} online`
  const what = link.state === 'live' ? here : 'Not connected'
  return `${what} · ${model.network} · Parley`
}

function counts({ network, directories, byName, isRelayOnly }: RosterModel): readonly string[] {
  if (isRelayOnly) return ['it keeps no roster']
  const relayed = byName.filter(({ path }) => path === 'relayed').length
  const lan = byName.filter(({ path }) => path === 'lan').length
  const alive = directories.filter(({ state }) => state !== 'lost').length
  const words = [`network ${network}`, count(alive, 'directory', 'directories')]
  if (alive < directories.length) words.push(`${(directories.length - alive).toLocaleString()} lost`)
  if (lan > 0) words.push(`${lan.toLocaleString()} on the LAN`)
  if (relayed > 0) words.push(`${relayed.toLocaleString()} by relay`)
  return words
}

function useClock(): number {
  const [nowMs, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), PAGE_CLOCK_MS)
    return () => clearInterval(timer)
  }, [])
  return nowMs
}
