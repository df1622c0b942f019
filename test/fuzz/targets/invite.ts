/** The decoders of invitations: frames between maker and guest, those about numbers, and codes as people type them. */
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { BadCodeError, formatCode, parseCode } from '../../../src/invite/code.ts'
import { inviteFrames, InviteProtocolError, type InviteFrame } from '../../../src/invite/invite-frames.ts'
import type { FrameProtocol } from '../../../src/wire/index.ts'
import { numberFrames, NumberProtocolError, type NumberFrame } from '../../../src/invite/numbers/number-frames.ts'
import { fixedKey } from '../fixed-keys.ts'
import { sameText, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const peer = peerIdFromPrivateKey(fixedKey(1))
const directory = peerIdFromPrivateKey(fixedKey(2))

function someInvite(reader: InputReader): Uint8Array {
  const frames: readonly InviteFrame[] = [
    {
      type: 'ask',
      network: 'parley',
      number: 7,
      directory: reader.flag() ? directory : undefined,
      nonce: reader.bytes(16)
    },
    { type: 'offer', nonce: reader.bytes(16) },
    { type: 'refuse', reason: reader.oneOf(['unknown', 'used', 'wrong-code']) },
    { type: 'share', share: reader.bytes(32) },
    { type: 'answer', share: reader.bytes(32), proof: reader.bytes(64) },
    { type: 'proof', proof: reader.bytes(64), sealed: reader.some() },
    { type: 'record', sealed: reader.some(), isForMany: reader.flag() }
  ]
  return inviteFrames.encode(reader.oneOf(frames))
}

function someNumber(reader: InputReader): Uint8Array {
  const frames: readonly NumberFrame[] = [
    { type: 'claim', network: 'parley', number: 1 + reader.below(99_999) },
    { type: 'claimed', number: 7 },
    { type: 'release', number: 7 },
    { type: 'find', network: 'parley', number: 7, own: reader.flag() },
    { type: 'found', holders: reader.flag() ? [{ peer, directory }] : [] },
    { type: 'refuse', reason: reader.oneOf(['taken', 'full']) }
  ]
  return numberFrames.encode(reader.oneOf(frames))
}

const frames: FuzzTarget = {
  name: 'invite-frames',
  reaches: 'frames of a guest or a maker, and of a directory about numbers',
  seeds: () => [
    asIs(inviteFrames.encode({ type: 'ask', network: 'parley', number: 7, directory, nonce: new Uint8Array(16) })),
    asIs(inviteFrames.encode({ type: 'answer', share: new Uint8Array(32), proof: new Uint8Array(64) })),
    asIs(numberFrames.encode({ type: 'find', network: 'parley', number: 7, own: false })),
    asIs(numberFrames.encode({ type: 'found', holders: [{ peer, directory }] })),
    choices(1, 2, 3)
  ],
  run(input) {
    staysItself(inviteFrames, bytesOf(input, someInvite), InviteProtocolError)
    staysItself(numberFrames, bytesOf(input, someNumber), NumberProtocolError)
  }
}

/** What is read is written as what is read as the same; all else is refused by one kind of error. */
function staysItself<Frame>(
  codec: FrameProtocol<Frame>,
  bytes: Uint8Array,
  refusal: new (message: string) => Error
): void {
  let frame: Frame
  try {
    frame = codec.decode(bytes)
  } catch (error) {
    if (error instanceof refusal) return
    throw error
  }
  sameText(codec.decode(codec.encode(frame)), frame, 'a frame stays itself')
}

const codes: FuzzTarget = {
  name: 'codes',
  reaches: 'a code that a person types, or scans',
  seeds: () =>
    ['7-oak-pilot-river', '7 OAK pilo rive', 'parley:7-oak-pilot-river@[2001:db8::7]:8000'].map((text) =>
      new TextEncoder().encode(text)
    ),
  run(input) {
    let parsed: ReturnType<typeof parseCode>
    try {
      parsed = parseCode(new TextDecoder().decode(input))
    } catch (error) {
      if (error instanceof BadCodeError) return
      throw error
    }
    if (parsed === undefined) return
    sameText(parseCode(formatCode(parsed.code))?.code, parsed.code, 'a code stays itself')
  }
}

export const targets: readonly FuzzTarget[] = [frames, codes]
