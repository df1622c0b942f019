// What happens among directories, as a line on the terminal of one: who, what,
// and what its operator can do about it. Pure; names in it may be remote text.
import type { FederationNotice } from '../node/index.ts'

export function federationLine(notice: FederationNotice): string {
  const who = `directory ${notice.shortId}${notice.address === '' ? '' : ` ${notice.address}`}`
  switch (notice.event) {
    case 'directory-turned-away': {
      const why =
        notice.reason === 'named-only'
          ? 'only directories that are named join here (--federate named)'
          : `all ${notice.places} places for directories that are not named are taken`
      return `TURNED AWAY ${who}: ${why}. --join with its address gives it a place of its own`
    }
    case 'directory-evicted':
      return (
        `EVICTED ${who}: ${notice.holder} had ${notice.held} of ${notice.places} places for directories that are not ` +
        `named, and gave one to directory ${notice.toShortId}. --federate named admits none of them`
      )
    case 'directory-refused-us':
      return `REFUSED BY ${who}: ${notice.why}. Next try in ${seconds(notice.retryAfterMs)}`
    case 'directory-cut':
      return `CUT ${who}: it floods, or passes on forgeries. It is refused for ${seconds(notice.forMs)}`
    case 'directory-left-out': {
      const advice = notice.named ? '' : '. --join gives it room of its own, --federate named admits only such'
      return `LEFT OUT ${notice.leftOut} peers of ${who}, ${notice.peers} are on the roster: there is no room for more${advice}`
    }
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`
}
