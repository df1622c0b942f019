// Everything that is known of the peer that was chosen.
import type { DirectoryJson } from '../directory/http/roster-api.ts'
import { CommandLine } from './command-line.tsx'
import { chatCommand } from './model/commands.ts'
import type { Peer } from './model/roster-model.ts'
import { hueOf } from './model/colours.ts'
import { ago, alikeText, moment, pathWord } from './model/words.ts'

/** A crowd of one name would fill the details. */
const shownNamesakes = 8

export interface DetailsProps {
  readonly peer: Peer
  readonly directories: readonly DirectoryJson[]
  /** Others whose names look like this one's. */
  readonly namesakes: readonly Peer[]
  readonly nowMs: number
  readonly onClose: () => void
}

export function Details({ peer, directories, namesakes, nowMs, onClose }: DetailsProps) {
  const via = peer.directories.map((id) => directories.find(({ directory }) => directory === id)?.shortId ?? id)
  return (
    <section class="details" aria-label={`Details of ${peer.name}`}>
      <header>
        <span class={`swatch large ${peer.path}`} style={{ '--hue': hueOf(peer.peer) }} aria-hidden="true" />
        <h2 dir="auto">{peer.name}</h2>
        <button type="button" class="quiet" aria-label="Close the details" onClick={onClose}>
          ×
        </button>
      </header>
      {peer.says !== '' && (
        <p class="status" dir="auto">
          {peer.says}
        </p>
      )}
      {namesakes.length > 0 && (
        <p class="alike">
          ! {alikeText(namesakes.length)}: compare IDs.{' '}
          {namesakes.slice(0, shownNamesakes).map((other) => (
            <code key={other.peer}>{other.shortId} </code>
          ))}
        </p>
      )}
      <dl>
        <dt>To talk, in a terminal</dt>
        <dd>
          <CommandLine text={chatCommand(peer, location.hostname)} />
        </dd>
        <dt>Online since</dt>
        <dd>
          {moment(peer.since, nowMs)} <small>({ago(peer.since, nowMs)})</small>
        </dd>
        <dt>Path</dt>
        <dd>{pathWord(peer.path)}</dd>
        <dt>{via.length === 1 ? 'Directory' : 'Directories'}</dt>
        <dd>
          {via.map((name) => (
            <code key={name}>{name} </code>
          ))}
        </dd>
        <dt>Peer ID</dt>
        <dd>
          <code class="whole">{peer.peer}</code>
        </dd>
        <dt>{peer.addresses.length === 1 ? 'Address' : 'Addresses'}</dt>
        <dd>
          {peer.addresses.length === 0 && 'none announced'}
          {peer.addresses.map((address) => (
            <code class="whole" key={address}>
              {address}
            </code>
          ))}
        </dd>
      </dl>
    </section>
  )
}
