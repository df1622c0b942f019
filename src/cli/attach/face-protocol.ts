// What a node and a face that is attached to it over a socket say to each other:
// lines of JSON, the snapshot first, then events; calls and their replies beside
// them. Shapes and their limits alone; docs/spec/face-socket.md defines them.
import type { ChatNodeEvents, ChatSnapshot, PeerView, RosterRow } from '../chat-api/chat-api.ts'

/** Rises with each change that the other side would misread. Both sides are of one release as a rule, so no other is spoken. */
export const FACE_PROTOCOL_VERSION = 3

/** Longest line from a face: the longest text, with every byte written as an escape, and some more. */
export const MAX_FACE_LINE_BYTES = 1024 * 1024

/** Most bytes of the texts in one answer: a hundred of the longest messages are below it. */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/** Most messages in one answer, whatever the face asks for. */
export const MAX_ANSWER_MESSAGES = 1_000

/** Longest line to a face: such an answer in which every byte is written as an escape, and its other fields. */
export const MAX_NODE_LINE_BYTES = 8 * MAX_ANSWER_BYTES

/** A face says hello at once, or hangs. */
export const FACE_HELLO_TIMEOUT_MS = 5_000

/** How often a face reports that it is there; the node answers each time. */
export const PING_MS = 10_000

/** The other side is gone when nothing has come from it for so long: three pings. A line that was cut ends no connection. */
export const SILENCE_MS = 30_000

/** The same while the node reads nothing of a face, which has too many calls under way or takes no more. */
export const STUCK_MS = 300_000

/** Calls of one face that are carried out at once; what it writes beyond is read when one of them has its reply. */
export const MAX_CALLS_AT_ONCE = 64

/** Calls of one face that wait for something to happen, such as a receipt. */
export const MAX_WAITING_CALLS = 4_096

/** Rows of the roster, and views of peers, in one line. */
export const ROWS_IN_LINE = 200

/** Peers of which a face is kept up to date: those on the longest roster, and as many others again. */
export const MAX_VIEWS = 40_000

/** Events that a face has not read; beyond it they are dropped, and it is given the whole snapshot again when it reads on. */
export const MAX_FACE_BACKLOG_BYTES = 4 * 1024 * 1024

/** The parts of a snapshot that are sent whole when they change. */
export const WHOLE_PARTS = ['self', 'programs', 'contacts', 'blocked', 'directories', 'lan'] as const
export type WholePart = (typeof WHOLE_PARTS)[number]

/** The first line of each side. Its fields stay the same in all versions, so that any two can tell each other apart. */
interface Hello {
  readonly is: 'hello'
  readonly protocol: number
  /** Of Parley, for people. */
  readonly version: string
}

/** What a node says of itself. */
export interface NodeHello extends Hello {
  /** The node has no face of its own, and outlives all that are attached. */
  readonly isDaemon: boolean
  /** Of the process of the node. */
  readonly pid: number
  /** Of a daemon: the options that it was started with, to start another in its place. */
  readonly options: readonly string[]
  /** It waits for the passphrase of its key; a refusal follows. */
  readonly isLocked: boolean
}

export type ToFace =
  | NodeHello
  | { readonly is: 'part'; readonly part: WholePart; readonly value: ChatSnapshot[WholePart] }
  | { readonly is: 'rows'; readonly rows: readonly RosterRow[] }
  /** Peers: sent before the first line that names them, and again when they change. */
  | { readonly is: 'views'; readonly views: readonly PeerView[] }
  /** Nothing is known of these peers any more, until the next view. */
  | { readonly is: 'forget'; readonly peers: readonly string[] }
  /** The snapshot begins anew: what was known is to be forgotten. */
  | { readonly is: 'behind' }
  /** The snapshot is complete; from now on events follow. */
  | { readonly is: 'live' }
  | { readonly is: 'event'; readonly type: keyof ChatNodeEvents; readonly detail: unknown }
  | { readonly is: 'reply'; readonly id: number; readonly value?: unknown }
  | { readonly is: 'failure'; readonly id: number; readonly error: ErrorFields }
  | { readonly is: 'refusal'; readonly reason: 'other-version' | 'too-many-faces' | 'locked' }
  | { readonly is: 'pong' }
  | { readonly is: 'end' }

export type FromFace =
  | (Hello & {
      /** A person attends to it, as in `attended`. */
      readonly isAttended: boolean
    })
  /** Whether a person looks at it, or is told of messages by it: then the node shows no notice of its own. */
  | { readonly is: 'attended'; readonly isAttended: boolean }
  | { readonly is: 'ping' }
  | { readonly is: 'call'; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly is: 'abort'; readonly id: number }

/** An error of a call, as the node has thrown it. */
export interface ErrorFields {
  readonly name: string
  readonly message: string
  readonly exitCode?: number
}

export function lineOf(message: ToFace | FromFace): string {
  return `${JSON.stringify(message)}\n`
}

/** @returns undefined for what is no object with an `is` */
export function readMessage(line: string): ({ readonly is: string } & Readonly<Record<string, unknown>>) | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('is' in value) || typeof value.is !== 'string')
      return undefined
    return { ...value, is: value.is }
  } catch {
    return undefined
  }
}

/** What comes, as it comes: each part is a sign of life, also of a line that is long under way. */
export async function* heard<T>(chunks: AsyncIterable<T>, onHeard: () => void): AsyncGenerator<T> {
  for await (const chunk of chunks) {
    onHeard()
    yield chunk
  }
}

export function errorFields(error: unknown): ErrorFields {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message } = error
  return 'exitCode' in error && typeof error.exitCode === 'number'
    ? { name, message, exitCode: error.exitCode }
    : { name, message }
}
