// The attacker's ends of Parley's own protocols: streams of a libp2p node that
// keeps to libp2p's rules and to none of Parley's, and counts what it sends.
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import { Attacker, openStream } from '../fault/attacker.ts'
import type { AttackContext } from './attack.ts'
import { addressOf, again } from './raw-link.ts'

export interface LinkInit {
  readonly key?: PrivateKey
  /** Passes for a Parley peer. */
  readonly looksLikeParley?: boolean
}

/** The key of a contact of the victim: what a contact can do, or a thief of its key. */
export function contactKey({ target }: AttackContext): PrivateKey {
  return privateKeyFromProtobuf(Buffer.from(target.contactKey, 'base64'))
}

/** A node of the attacker's with a connection to the victim, until the attack ends. */
export async function connected(
  context: AttackContext,
  init: LinkInit = {}
): Promise<{ readonly attacker: Attacker; readonly connection: Connection }> {
  const attacker = await Attacker.start({ looksLikeParley: true, source: context.source, ...init })
  context.identity(attacker.peerId)
  context.signal.addEventListener('abort', () => void attacker.stop(), { once: true })
  return { attacker, connection: await attacker.connect(addressOf(context.target).toString()) }
}

/** Writes what `next` makes for as long as the stream and the attack last, at the pace of the victim's reading. */
export async function pourInto(context: AttackContext, stream: Stream, next: () => Uint8Array): Promise<void> {
  while (!context.signal.aborted && stream.status === 'open') {
    const bytes = next()
    context.sent(bytes.byteLength)
    if (!stream.send(bytes)) await untilWritable(stream, context.signal)
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** One node after the other, each with a connection of its own, until the attack ends. */
export async function onConnections(
  context: AttackContext,
  act: (connection: Connection) => Promise<void>,
  init: LinkInit = {}
): Promise<void> {
  await again(context, async () => {
    const { attacker, connection } = await connected(context, init)
    try {
      await act(connection)
    } finally {
      await attacker.stop()
    }
  })
}

/** One node after the other, each of which opens one stream after the other for as long as its connection lasts. */
export async function onStreams(
  context: AttackContext,
  open: (connection: Connection) => Promise<unknown>,
  init: LinkInit = {}
): Promise<void> {
  await onConnections(
    context,
    async (connection) => again(context, async () => open(connection), { while: () => connection.status === 'open' }),
    init
  )
}

/** One node after the other, each of which opens one stream after the other, and pours. */
export async function flood(
  context: AttackContext,
  protocol: string,
  next: () => Uint8Array,
  init: LinkInit & { readonly reads?: boolean } = {}
): Promise<void> {
  const { reads = true, ...link } = init
  const pour = async (connection: Connection): Promise<void> => {
    const stream = await openStream(connection, protocol)
    if (reads) stream.addEventListener('message', () => undefined)
    else stream.pause()
    await pourInto(context, stream, next)
  }
  await onStreams(context, pour, link)
}

/** Resolves when the stream takes bytes again, is gone, or the attack is over. */
async function untilWritable(stream: Stream, signal: AbortSignal): Promise<void> {
  if (stream.status !== 'open' || signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.removeEventListener('drain', done)
      stream.removeEventListener('close', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    stream.addEventListener('drain', done)
    stream.addEventListener('close', done)
    signal.addEventListener('abort', done)
  })
}
