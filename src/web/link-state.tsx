// Whether what is shown is live: said in one word while all is well, and in a
// sentence when it is not.
import { useEffect, useState } from 'preact/hooks'
import { cleanText } from './model/clean-text.ts'
import type { Link } from './model/live-roster.ts'
import { moment } from './model/words.ts'

/** A directory that has been away for so long is said to be gone. */
const PAGE_GONE_MS = 30_000

export function LinkPill({ link }: { readonly link: Link }) {
  const word = { connecting: 'Connecting', live: 'Live', waiting: 'Offline', trying: 'Connecting' }[link.state]
  return (
    <span class={`pill ${link.state}`}>
      <span class="lamp" aria-hidden="true" />
      {word}
    </span>
  )
}

export interface LinkBannerProps {
  readonly link: Link
  /** Whether anything is shown that may be out of date. */
  readonly hasRoster: boolean
  readonly onRetry: () => void
}

export function LinkBanner({ link, hasRoster, onRetry }: LinkBannerProps) {
  const nowMs = useTicks(link.state === 'waiting')
  if (link.state === 'connecting' || link.state === 'live') return null
  const isGone = nowMs - link.lostAtMs > PAGE_GONE_MS
  const since = moment(link.lostAtMs, nowMs)
  const seconds = link.state === 'waiting' ? Math.max(1, Math.ceil((link.retryAtMs - nowMs) / 1000)) : 0
  return (
    <div class={isGone ? 'banner gone' : 'banner'}>
      <p>
        <strong>{headline(link, isGone)}</strong> {hasRoster ? `What you see is as of ${since}. ` : ''}
        <span class="next">{link.state === 'waiting' ? `Reconnecting in ${seconds} s …` : 'Reconnecting …'}</span>
      </p>
      <button type="button" onClick={onRetry}>
        Try now
      </button>
    </div>
  )
}

function headline(link: Link, isGone: boolean): string {
  if (link.state === 'waiting' && link.why !== undefined)
    return `The directory has closed this page: ${cleanText(link.why)}.`
  return isGone ? 'The directory is gone.' : 'The directory does not answer.'
}

/** The time, four times a second while seconds are counted. */
function useTicks(isOn: boolean): number {
  const [nowMs, setNow] = useState(() => Date.now())
  useEffect(() => {
    setNow(Date.now())
    if (!isOn) return
    const timer = setInterval(() => setNow(Date.now()), 250)
    return () => clearInterval(timer)
  }, [isOn])
  return Math.max(nowMs, Date.now())
}
