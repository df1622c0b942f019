// The invitations of the parley that runs on a profile, made and watched from another
// process. It reads the lines, and knows nothing of what is done with them.
import { isJson, type Json, jsonList } from '../../lib/index.ts'
import type { InvitationView } from '../chat-api/chat-api.ts'
import type { InviteRequest } from '../chat-commands/invite-commands.ts'
import type { InvitationNews } from '../wording/invitation-wording.ts'
import { NoAnswerError, type RunningParley } from './running-parley.ts'

interface RunningInvitations {
  make(request: Extract<InviteRequest, { is: 'make' }>): Promise<InvitationView>
  list(): Promise<readonly InvitationView[]>
  end(number: number): Promise<InvitationView>
  /** @returns what ends it */
  onNews(listener: (news: InvitationNews) => void): () => void
  readonly gone: AbortSignal
}

export function runningInvitations(parley: RunningParley): RunningInvitations {
  const ask = async (text: string): Promise<InvitationView> => {
    const { invitation } = await parley.ask({ do: 'invite', text })
    const view = isJson(invitation) ? readInvitation(invitation) : undefined
    if (view === undefined) throw new NoAnswerError(undefined)
    return view
  }
  return {
    make: async ({ places, forMs }) => {
      const time = forMs === undefined ? '' : ` for ${Math.ceil(forMs / 1000)}s`
      return ask(places === undefined ? '' : `many ${places}${time}`)
    },
    list: async () => {
      const { invitations } = await parley.ask({ do: 'invite', text: 'list' })
      return jsonList(invitations).flatMap((json) => readInvitation(json) ?? [])
    },
    end: async (number) => ask(`end ${number}`),
    onNews: (listener) =>
      parley.onEvent((json) => {
        const news = json['event'] === 'invitation' ? readNews(json) : undefined
        if (news !== undefined) listener(news)
      }),
    gone: parley.ended
  }
}

function readNews(json: Json): InvitationNews | undefined {
  const invitation = readInvitation(json)
  if (invitation === undefined) return undefined
  const { what, peer, peerName, from } = json
  if (what === 'came' && typeof peer === 'string' && typeof peerName === 'string') {
    return { what, invitation, peer, name: peerName }
  }
  if (what === 'failed' && typeof from === 'string') return { what, invitation, from }
  return what === 'ended' ? { what, invitation } : undefined
}

const ends = ['used', 'expired', 'revoked', 'ended'] as const

function readInvitation(json: Json): InvitationView | undefined {
  const { number, code, link, forMany, places, failedTries, expiresAtMs, directories } = json
  if (typeof number !== 'number' || typeof code !== 'string' || typeof link !== 'string') return undefined
  const end = ends.find((one) => one === json['end'])
  return {
    number,
    code,
    link,
    isForMany: forMany === true,
    places: Number(places),
    failedTries: Number(failedTries),
    expiresAtMs: Number(expiresAtMs),
    directories: Array.isArray(directories) ? directories.map(String) : [],
    came: jsonList(json['came']).map(({ peer, name, shortId }) => ({
      peer: String(peer),
      name: String(name),
      shortId: String(shortId)
    })),
    ...(end === undefined ? {} : { end })
  }
}
