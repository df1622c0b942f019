// Says to a screen reader what happened, politely and not too often: of many at
// once it names a few and counts the rest.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Link } from './model/live-roster.ts'
import type { Happening } from './model/roster-model.ts'
import { count, happeningWord } from './model/words.ts'

/** What happened is read aloud at most this often, gathered. */
const PAGE_ANNOUNCE_MS = 5_000

/** … and so many of them by name. */
const PAGE_ANNOUNCE_NAMES = 3

export interface AnnouncerProps {
  /** Undefined until the roster is there. */
  readonly recent: readonly Happening[] | undefined
  readonly link: Link
}

export function Announcer({ recent, link }: AnnouncerProps) {
  const [words, setWords] = useState('')
  const seen = useRef<string | undefined>(undefined)
  const latest = useRef(recent)
  latest.current = recent
  // What happened before the page was there is no news.
  if (recent !== undefined) seen.current ??= recent[0]?.key ?? nothing

  useEffect(() => {
    const timer = setInterval(() => {
      const all = latest.current ?? []
      const newest = all[0]?.key ?? nothing
      const before = seen.current
      if (before === undefined || before === newest) return
      seen.current = newest
      const end = all.findIndex(({ key }) => key === before)
      setWords(sentence(end < 0 ? all : all.slice(0, end)))
    }, PAGE_ANNOUNCE_MS)
    return () => clearInterval(timer)
  }, [])
  return (
    <>
      <p class="unseen" aria-live="polite" data-live="happenings">
        {words}
      </p>
      <p class="unseen" role="status" data-live="link">
        {linkWords[link.state]}
      </p>
    </>
  )
}

/** Without seconds: they would be read aloud, each of them. */
const linkWords = {
  connecting: '',
  live: 'Connected to the directory.',
  waiting: 'The directory does not answer. Reconnecting.',
  trying: 'The directory does not answer. Reconnecting.'
} as const

const nothing = ''

function sentence(news: readonly Happening[]): string {
  const named = news.slice(0, PAGE_ANNOUNCE_NAMES).map(({ name, what }) => `${name} ${happeningWord(what)}`)
  const rest = news.length - named.length
  return `${named.join(', ')}${rest > 0 ? `, and ${count(rest, 'more change')}` : ''}.`
}
