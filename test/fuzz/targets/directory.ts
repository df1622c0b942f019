/** The decoders of presence and of the federation: frames, signed records, statements, digests. */
import { Buffer } from 'node:buffer'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import { RECORD_CODEC, RECORD_DOMAIN, BadRecordError, openRecord } from '../../../src/presence/presence-record.ts'
import {
  decodeClientFrame,
  decodeDirectoryFrame,
  encodeClientFrame,
  encodeDirectoryFrame,
  packEntries
} from '../../../src/directory/directory-frames.ts'
import { AttachmentDigest } from '../../../src/directory/federation/state/statement-log.ts'
import {
  heartbeatKind,
  openHeartbeat,
  BadStatementError,
  statementKind,
  openStatement,
  openUpdate
} from '../../../src/directory/statement.ts'
import {
  decodeFederationFrame,
  decodeGossip,
  encodeFederationFrame,
  encodeGossip
} from '../../../src/directory/federation-frames.ts'
import * as federationPb from '../../../src/directory/pb/federation.ts'
import * as directoryPb from '../../../src/directory/pb/directory-frames.ts'
import { Presence } from '../../../src/presence/pb/presence.ts'
import { RecordFrame } from '../../../src/presence/pb/record-frames.ts'
import { decodePeerId, encodePeerId } from '../../../src/presence/peer-id-bytes.ts'
import { recordFrameCodec } from '../../../src/presence/record-stream.ts'
import { fixedKey } from '../fixed-keys.ts'
import { allowAsync, promise, same, sameText, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, broken, bytesOf, choices, InputReader } from '../input-reader.ts'

const keys: readonly PrivateKey[] = [fixedKey(1), fixedKey(2)]
const peers = keys.map((key) => peerIdFromPrivateKey(key))
export const peerBytes = peers.map(encodePeerId)
const addressBytes = [
  '/ip4/192.0.2.7/tcp/4001',
  '/ip6/2001:db8::1/tcp/4001',
  '/dns/example.org/tcp/4001',
  '/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5/p2p-circuit'
].map((text) => new Uint8Array(multiaddr(text).bytes))

function someKey(reader: InputReader): PrivateKey {
  return reader.oneOf(keys)
}

function somePeer(reader: InputReader): Uint8Array<ArrayBuffer> {
  return reader.byte() < 240 ? reader.oneOf(peerBytes) : reader.some()
}

function someAddress(reader: InputReader): Uint8Array<ArrayBuffer> {
  return reader.byte() < 240 ? reader.oneOf(addressBytes) : reader.some(80)
}

/**
 * What decodes what is no protobuf throws an error of the runtime, of no class of its own, and its caller cuts the
 * stream. A TypeError would be one of our own.
 */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof Error && !(error instanceof TypeError)) return undefined
    throw error
  }
}

function somePresence(reader: InputReader): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    Presence.encode({
      peerId: somePeer(reader),
      seq: reader.uint64(),
      issuedAtMs: reader.uint64(),
      nickname: reader.text(80),
      status: reader.text(160),
      addresses: reader.list(20, () => someAddress(reader)),
      capabilities: reader.list(6, () => (reader.byte() < 240 ? 'chat/1' : reader.text(40))),
      network: reader.byte() < 240 ? 'parley' : reader.text(40),
      withdrawn: reader.flag()
    })
  )
}

function someEntry(reader: InputReader) {
  return {
    envelope: reader.some(),
    attachments: reader.list(4, () => ({ directory: somePeer(reader), forMs: reader.uint64() }))
  }
}

function someDirectoryFrame(reader: InputReader): Uint8Array {
  const frame: Parameters<typeof directoryPb.DirectoryFrame.encode>[0] = {}
  const kind = reader.byte()
  if (kind % 8 === 0 || kind > 250) {
    frame.welcome = {
      network: reader.text(40),
      leaseMs: reader.uint32(),
      refreshAfterMs: reader.uint32(),
      ...(reader.flag() ? { acceptedSeq: reader.uint64() } : {})
    }
  }
  if (kind % 8 === 1) {
    frame.snapshot = { entries: reader.list(9, () => someEntry(reader)), total: reader.uint32(), last: reader.flag() }
  }
  if (kind % 8 === 2 || kind > 252) {
    frame.changes = {
      entries: reader.list(9, () => someEntry(reader)),
      removed: reader.list(9, () => somePeer(reader)),
      total: reader.uint32()
    }
  }
  if (kind % 8 === 3) {
    frame.refuse = {
      reason: reader.text(20),
      retryAfterMs: reader.uint32(),
      ...(reader.flag() ? { newestEnvelope: reader.some() } : {})
    }
  }
  if (kind % 8 === 4) {
    frame.found = {
      peer: somePeer(reader),
      showing: reader.flag(),
      statements: reader.list(5, () => reader.some()),
      federationPeers: reader.list(5, () => somePeer(reader)),
      ...(reader.flag() ? { newestEnvelope: reader.some() } : {}),
      ...(reader.flag() ? { epoch: reader.uint64() } : {})
    }
  }
  return directoryPb.DirectoryFrame.encode(frame)
}

export function someClientFrame(reader: InputReader): Uint8Array {
  switch (reader.below(5)) {
    case 0:
      return directoryPb.ClientFrame.encode({ announce: { envelope: reader.some() } })
    case 1:
      return directoryPb.ClientFrame.encode({ withdraw: { envelope: reader.some() } })
    case 2:
      return directoryPb.ClientFrame.encode({ lookup: { peer: somePeer(reader) } })
    default:
      return directoryPb.ClientFrame.encode({
        watch: { query: reader.text(80), offset: reader.uint32(), limit: reader.uint32() }
      })
  }
}

const frames: FuzzTarget = {
  name: 'directory-frames',
  reaches: 'frames of a client, of a directory, and of the exchange of records',
  seeds: () => [
    ...[0, 1, 2, 3, 4].flatMap((kind) => [choices(0, kind, 1, 2, 3), choices(1, kind, 9, 9, 9), choices(2, kind)]),
    asIs(Uint8Array.of(0, 0))
  ],
  run(input) {
    const which = (input[2] ?? 0) % 3
    if (which === 0) {
      const bytes = bytesOf(input, someClientFrame)
      const frame = decoded(() => decodeClientFrame(bytes))
      if (frame === undefined) return
      sameText(decodeClientFrame(encodeClientFrame(frame)), frame, 'a client frame stays itself')
    } else if (which === 1) {
      const bytes = bytesOf(input, someDirectoryFrame)
      const frame = decoded(() => decodeDirectoryFrame(bytes))
      if (frame === undefined) return
      sameText(decodeDirectoryFrame(encodeDirectoryFrame(frame)), frame, 'a directory frame stays itself')
      if (frame.type === 'snapshot') packEntries(frame.entries)
    } else {
      const bytes = bytesOf(input, (reader) => RecordFrame.encode({ record: { envelope: reader.some() } }))
      const frame = decoded(() => recordFrameCodec.decode(bytes))
      if (frame === undefined) return
      same(recordFrameCodec.decode(recordFrameCodec.encode(frame)), frame, 'a record frame stays itself')
    }
  }
}

/** Payload, envelope and signature are each valid or broken, whatever the others are. */
async function sealed(
  reader: InputReader,
  kind: { readonly domain: string; readonly codec: Uint8Array },
  make: (reader: InputReader) => Uint8Array
): Promise<Uint8Array> {
  const key = someKey(reader)
  const innerFaults = new InputReader(reader.byte() < 128 ? new Uint8Array() : reader.some(12))
  const outerFaults = new InputReader(reader.byte() < 192 ? new Uint8Array() : reader.some(12))
  const payload = new Uint8Array(broken(make(reader), innerFaults))
  const envelope = await RecordEnvelope.seal(
    { domain: kind.domain, codec: kind.codec, marshal: () => payload, equals: () => false },
    key
  )
  return broken(envelope.marshal(), outerFaults)
}

async function sealedBytes(input: Uint8Array, ...kind: ParametersOfSealed): Promise<Uint8Array> {
  if (((input[0] ?? 0) & 1) === 0) return input.slice(1)
  return sealed(new InputReader(input.subarray(1)), ...kind)
}
type ParametersOfSealed = [{ readonly domain: string; readonly codec: Uint8Array }, (reader: InputReader) => Uint8Array]

const recordKind = { domain: RECORD_DOMAIN, codec: RECORD_CODEC }

// oxlint-disable-next-line no-control-regex -- what must not be there
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/u

const records: FuzzTarget = {
  name: 'presence-records',
  reaches: 'signed presence records: envelope, signature, limits',
  weight: 6,
  isAsync: true,
  seeds: async () => [
    choices(0, 0, 0, 0, 0, 1, 2, 3),
    choices(1, 0, 0, 1, 200, 9, 9, 9),
    asIs(await sealed(new InputReader(new Uint8Array(8)), recordKind, somePresence))
  ],
  async run(input) {
    const bytes = await sealedBytes(input, recordKind, somePresence)
    const opened = await allowAsync([BadRecordError], async () => openRecord(bytes))
    if (opened === undefined) return
    const { record, envelope } = opened
    for (const text of [record.nickname, record.status, record.network]) {
      promise(!control.test(text), 'a record that was accepted holds no control character')
    }
    promise(
      peers.some((peer) => peer.equals(record.peer)),
      'a record is its signer’s'
    )
    const again = await openRecord(envelope)
    promise(Buffer.compare(again.envelope, envelope) === 0, 'a record stays itself when it is passed on')
  }
}

function someStatement(reader: InputReader): Uint8Array {
  return federationPb.AttachmentStatement.encode({
    directory: somePeer(reader),
    network: reader.byte() < 240 ? 'parley' : reader.text(40),
    epoch: reader.uint64(),
    counter: reader.uint64(),
    peer: somePeer(reader),
    seq: reader.uint64(),
    attached: reader.flag()
  })
}

function someHeartbeat(reader: InputReader): Uint8Array {
  return federationPb.Heartbeat.encode({
    directory: somePeer(reader),
    network: reader.byte() < 240 ? 'parley' : reader.text(40),
    epoch: reader.uint64(),
    counter: reader.uint64(),
    beat: reader.uint64(),
    digest: reader.bytes(reader.byte() < 240 ? 32 : reader.below(70)),
    count: reader.uint32()
  })
}

const statements: FuzzTarget = {
  name: 'federation-statements',
  reaches: 'signed statements, heartbeats and updates of directories, and the digest over them',
  weight: 6,
  isAsync: true,
  seeds: () => [choices(0, 0, 0, 0, 0, 1), choices(1, 0, 0, 0, 0, 2), choices(0, 0, 0, 0, 1, 2, 3, 4, 5, 6)],
  async run(input) {
    const kind = (input[1] ?? 0) % 3
    const rest = Uint8Array.of(input[0] ?? 0, ...input.subarray(2))
    if (kind === 0) {
      const bytes = await sealedBytes(rest, heartbeatKind, someHeartbeat)
      const heartbeat = await allowAsync([BadStatementError], async () => openHeartbeat(bytes))
      if (heartbeat !== undefined) await openHeartbeat(heartbeat.envelope)
      return
    }
    const bytes = await sealedBytes(rest, statementKind, someStatement)
    const opened = await allowAsync([BadStatementError], async () => openStatement(bytes))
    if (opened === undefined) return
    const { statement, envelope } = opened
    promise(
      peers.some((peer) => peer.equals(statement.directory)),
      'a statement is its signer’s'
    )
    const digest = new AttachmentDigest()
    digest.add(statement)
    digest.remove(statement)
    promise(digest.equals(new AttachmentDigest().bytes(), 0), 'what is taken away again leaves no trace in a digest')
    const record = kind === 1 ? await sealed(new InputReader(rest.subarray(8)), recordKind, somePresence) : undefined
    await allowAsync([BadStatementError, BadRecordError], async () =>
      openUpdate({ statement: envelope, ...(record === undefined ? {} : { record }), forMs: 0 }, { network: 'parley' })
    )
  }
}

function someUpdate(reader: InputReader) {
  return {
    statement: reader.some(),
    ...(reader.flag() ? { record: reader.some() } : {}),
    forMs: reader.uint64()
  }
}

export function someGossip(reader: InputReader): Uint8Array {
  return federationPb.Gossip.encode({
    updates: reader.list(6, () => someUpdate(reader)),
    withdrawals: reader.list(6, () => reader.some()),
    ...(reader.flag() ? { heartbeat: reader.some() } : {})
  })
}

export function someFederationFrame(reader: InputReader): Uint8Array {
  switch (reader.below(4)) {
    case 0:
      return federationPb.FederationFrame.encode({
        hello: {
          network: reader.text(40),
          digests: reader.list(4, () => ({
            directory: somePeer(reader),
            epoch: reader.uint64(),
            counter: reader.uint64(),
            digest: reader.bytes(reader.byte() < 240 ? 32 : reader.below(70)),
            count: reader.uint32(),
            ...(reader.flag() ? { heartbeat: reader.some() } : {}),
            heardAgoMs: reader.uint64()
          })),
          federationPeers: reader.list(4, () => ({
            peer: somePeer(reader),
            addresses: reader.list(4, () => someAddress(reader))
          }))
        }
      })
    case 1:
      return federationPb.FederationFrame.encode({
        ask: {
          directory: somePeer(reader),
          ...(reader.flag() ? { epoch: reader.uint64() } : {}),
          afterCounter: reader.uint64(),
          withdrawals: reader.flag()
        }
      })
    default:
      return federationPb.FederationFrame.encode({
        page: {
          directory: reader.byte() < 32 ? new Uint8Array() : somePeer(reader),
          ...(reader.flag() ? { epoch: reader.uint64() } : {}),
          updates: reader.list(6, () => someUpdate(reader)),
          withdrawals: reader.list(6, () => reader.some()),
          last: reader.flag()
        }
      })
  }
}

const federation: FuzzTarget = {
  name: 'federation-frames',
  reaches: 'frames between directories, and what they gossip',
  seeds: () => [0, 1, 2, 3].flatMap((kind) => [choices(0, kind, 1, 2, 3), choices(1, kind, 4, 5, 6)]),
  run(input) {
    if ((input[2] ?? 0) % 2 === 0) {
      const bytes = bytesOf(input, someFederationFrame)
      const frame = decoded(() => decodeFederationFrame(bytes))
      if (frame === undefined) return
      sameText(decodeFederationFrame(encodeFederationFrame(frame)), frame, 'a frame stays itself')
    } else {
      const bytes = bytesOf(input, someGossip)
      const gossip = decoded(() => decodeGossip(bytes))
      if (gossip === undefined) return
      sameText(decodeGossip(encodeGossip(gossip)), gossip, 'gossip stays itself')
    }
    const peer = decodePeerId(input.subarray(1))
    if (peer !== undefined)
      promise(Buffer.compare(encodePeerId(peer), input.subarray(1)) === 0, 'a peer ID stays itself')
  }
}

export const targets: readonly FuzzTarget[] = [frames, records, statements, federation]
