// Beside the picture: the directories of the network, and what happened lately.
import type { DirectoryJson } from '../directory/http/roster-api.ts'
import type { Join } from './model/commands.ts'
import type { Happening } from './model/roster-model.ts'
import { CommandLine } from './command-line.tsx'
import { agoText, count, directoryWord, happeningWord, joinText, moment, waitingText } from './model/words.ts'

export interface DirectoriesProps {
  /** Undefined until the roster is there. */
  readonly directories: readonly DirectoryJson[] | undefined
  /** The command that joins the network. */
  readonly join: Join | undefined
  readonly nowMs: number
}

export function Directories({ directories, join, nowMs }: DirectoriesProps) {
  return (
    <section class="directories" aria-labelledby="directories-title">
      <h2 id="directories-title">Directories</h2>
      {directories === undefined && <p class="empty">{waitingText}</p>}
      <ul>
        {directories?.map((directory) => (
          <li key={directory.directory} class={directory.state} title={directory.directory}>
            <span class="mark" aria-hidden="true" />
            <code>{directory.shortId}</code>
            <span class="state">{directoryWord(directory, nowMs)}</span>
            <span class="count">{count(directory.peers, 'peer')}</span>
          </li>
        ))}
      </ul>
      {join !== undefined && (
        <p class="join">
          {joinText(join)}:
          <CommandLine text={join.command} />
        </p>
      )}
    </section>
  )
}

export interface LatelyProps {
  /** Undefined until the roster is there. */
  readonly recent: readonly Happening[] | undefined
  readonly nowMs: number
  readonly isOnline: (peer: string) => boolean
  readonly onChoose: (peer: string) => void
}

const signs = { joined: '+', left: '−', lost: '?' } as const

export function Lately({ recent, nowMs, isOnline, onChoose }: LatelyProps) {
  return (
    <section class="lately" aria-labelledby="lately-title">
      <h2 id="lately-title">Lately</h2>
      {recent === undefined && <p class="empty">{waitingText}</p>}
      {recent?.length === 0 && <p class="empty">Nothing has happened since the directory started.</p>}
      <ol>
        {recent?.map(({ key, what, name, shortId, at, peer }) => (
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
              )}
              <code>{shortId}</code>
              <span>{happeningWord(what)}</span>
            </span>
            <time title={agoText(at, nowMs)}>{moment(at, nowMs)}</time>
          </li>
        ))}
      </ol>
    </section>
  )
}
