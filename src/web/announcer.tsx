// Says to a screen reader what happened, politely and not too often: of many at
// once it names a few and counts the rest.
import { useEffect, useRef, useState } from 'preact/hooks'
import { PAGE_ANNOUNCE_MS, PAGE_ANNOUNCE_NAMES } from './constants.ts'
import type { Link } from './live-roster.ts'
import type { Happening } from './roster-model.ts'
import { count, happeningWord } from './words.ts'

export interface AnnouncerProps {
  readonly recent: readonly Happening[]
  readonly link: Link
}

export function Announcer({ recent, link }: AnnouncerProps) {
  const [words, setWords] = useState('')
  const seen = useRef<string | undefined>(undefined)
  const latest = useRef(recent)
  latest.current = recent

  useEffect(() => {
    const timer = setInterval(() => {
      const newest = latest.current[0]?.key
      const before = seen.current
      seen.current = newest
      // What happened before the page was there is no news.
      if (before === newest || before === undefined) return
      const end = latest.current.findIndex(({ key }) => key === before)
      setWords(sentence(end < 0 ? latest.current : latest.current.slice(0, end)))
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

function sentence(news: readonly Happening[]): string {
  const named = news.slice(0, PAGE_ANNOUNCE_NAMES).map(({ name, what }) => `${name} ${happeningWord(what)}`)
  const rest = news.length - named.length
  return `${named.join(', ')}${rest > 0 ? `, and ${count(rest, 'more change')}` : ''}.`
}
