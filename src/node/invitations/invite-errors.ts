// Why a code does not lead to a person, in words for one. The words of the code are
// secret: only its number is named.
import { InviteRefusedError, MakerNotFoundError, type InviteRefusal } from '../../invite/index.ts'
import { ParleyError, UnreachableError } from '../api/errors.ts'
import { exitCodes } from '../api/exit-codes.ts'
import { shortId } from '../../lib/index.ts'

/** The code leads to nobody. */
class InvitationError extends ParleyError {
  override readonly name = 'InvitationError'
  override readonly exitCode = exitCodes.peerNotFound
  readonly reason: InviteRefusal

  constructor(number: number, reason: InviteRefusal, why: string, options?: ErrorOptions) {
    super(`invitation ${number}: ${why}`, options)
    this.reason = reason
  }
}

const refusals: Readonly<Record<Exclude<InviteRefusal, 'unknown'>, string>> = {
  'wrong-code':
    'the words are not those of its maker: check them together. If they are right, someone else has answered in the ' +
    "maker's place: ask for a new code",
  used: 'the code was already used: ask for a new one',
  expired: 'the code has expired: ask for a new one',
  revoked: 'its maker has taken it back: ask for a new code',
  ended: 'it ended after too many wrong tries: ask for a new code',
  'too-many-tries': 'too many wrong tries came from your network, and no more are taken from there: ask for a new code',
  'too-fast': 'too many questions came from your network: try again in a minute',
  'other-network': 'its maker is on another network: both have to start with the same --network'
}

/** What was looked at, to say where the maker was looked for in vain. */
interface Looked {
  readonly number: number
  /** The directories in use, as they were named. */
  readonly directories: readonly string[]
  readonly searchesLan: boolean
}

/** @returns the error for a person; another one as it is */
export function explainedInvite(error: unknown, looked: Looked): unknown {
  const { number } = looked
  if (error instanceof InviteRefusedError && error.reason !== 'unknown') {
    return new InvitationError(number, error.reason, refusals[error.reason], { cause: error })
  }
  if (error instanceof MakerNotFoundError && error.unreachable !== undefined) {
    const who = shortId(error.unreachable)
    return new UnreachableError(`invitation ${number}: its maker, ${who}, can't be reached at the moment`, {
      cause: error
    })
  }
  if (!(error instanceof MakerNotFoundError || error instanceof InviteRefusedError)) return error
  return new InvitationError(number, 'unknown', notFound(looked), { cause: error })
}

function notFound({ directories, searchesLan }: Looked): string {
  const lan = searchesLan ? ', and nobody on the LAN has made it' : ''
  if (directories.length === 0) {
    return (
      `no directory is connected${lan}: connect to a directory that its maker uses (--directory ADDRESS), ` +
      'or scan the QR code, which names one'
    )
  }
  return (
    `it is not known at ${directories.join(' or ')}${lan}. The number is mistyped, the code is used or expired, or its ` +
    'maker uses other directories: scan the QR code, which names one, or start with --directory ADDRESS'
  )
}
