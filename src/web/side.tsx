// Beside the picture: the directories of the network, and what happened lately.
import type { DirectoryJson } from '../directory/http/roster-api.ts'
import type { Happening } from './roster-model.ts'
import { ago, count, directoryWord, happeningWord, moment } from './words.ts'

export interface DirectoriesProps {
  readonly directories: readonly DirectoryJson[]
}

export function Directories({ directories }: DirectoriesProps) {
  return (
    <section class="directories" aria-labelledby="directories-title">
      <h2 id="directories-title">Directories</h2>
      <ul>
        {directories.map((directory) => (
          <li key={directory.directory} class={directory.state} title={directory.directory}>
            <span class="mark" aria-hidden="true" />
            <code>{directory.shortId}</code>
            <span class="state">{directoryWord(directory)}</span>
            <span class="count">{count(directory.peers, 'peer')}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

export interface LatelyProps {
  readonly recent: readonly Happening[]
  readonly nowMs: number
  readonly isOnline: (peer: string) => boolean
  readonly onChoose: (peer: string) => void
}

const signs = { joined: '+', left: '−', lost: '?' } as const

export function Lately({ recent, nowMs, isOnline, onChoose }: LatelyProps) {
  return (
    <section class="lately" aria-labelledby="lately-title">
      <h2 id="lately-title">Lately</h2>
      {recent.length === 0 && <p class="empty">Nothing has happened since the directory started.</p>}
      <ol>
        {recent.map(({ key, what, name, shortId, at, peer }) => (
          <li key={key} class={what}>
            <span class="sign" aria-hidden="true">
              {signs[what]}
            </span>
            <span class="what">
              {isOnline(peer) ? (
                <button type="button" class="name" onClick={() => onChoose(peer)}>
                  <bdi>{name}</bdi>
                </button>
              ) : (
                <bdi class="name">{name}</bdi>
              )}{' '}
              <code>{shortId}</code> {happeningWord(what)}
            </span>
            <time title={`${ago(at, nowMs)} ago`}>{moment(at, nowMs)}</time>
          </li>
        ))}
      </ol>
    </section>
  )
}
