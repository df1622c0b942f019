// Generated from federation.proto by `npm run proto`: change that, not this.
// @ts-nocheck (what protons writes does not hold under exactOptionalPropertyTypes)
import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from '../../../wire/protons-runtime.ts'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from '../../../wire/protons-runtime.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface AttachmentStatement {
  directory: Uint8Array<ArrayBuffer>
  network: string
  epoch: bigint
  counter: bigint
  peer: Uint8Array<ArrayBuffer>
  seq: bigint
  attached: boolean
}

export namespace AttachmentStatement {
  let _codec: Codec<AttachmentStatement>

  export const codec = (): Codec<AttachmentStatement> => {
    if (_codec == null) {
      _codec = message<AttachmentStatement>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.directory != null && obj.directory.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.directory)
        }

        if ((obj.network != null && obj.network !== '')) {
          w.uint32(18)
          w.string(obj.network)
        }

        if ((obj.epoch != null && obj.epoch !== 0n)) {
          w.uint32(24)
          w.uint64(obj.epoch)
        }

        if ((obj.counter != null && obj.counter !== 0n)) {
          w.uint32(32)
          w.uint64(obj.counter)
        }

        if ((obj.peer != null && obj.peer.byteLength > 0)) {
          w.uint32(42)
          w.bytes(obj.peer)
        }

        if ((obj.seq != null && obj.seq !== 0n)) {
          w.uint32(48)
          w.uint64(obj.seq)
        }

        if ((obj.attached != null && obj.attached !== false)) {
          w.uint32(56)
          w.bool(obj.attached)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          directory: uint8ArrayAlloc(0),
          network: '',
          epoch: 0n,
          counter: 0n,
          peer: uint8ArrayAlloc(0),
          seq: 0n,
          attached: false
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.directory = reader.bytes()
              break
            }
            case 2: {
              obj.network = reader.string()
              break
            }
            case 3: {
              obj.epoch = reader.uint64()
              break
            }
            case 4: {
              obj.counter = reader.uint64()
              break
            }
            case 5: {
              obj.peer = reader.bytes()
              break
            }
            case 6: {
              obj.seq = reader.uint64()
              break
            }
            case 7: {
              obj.attached = reader.bool()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.directory`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.network`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.epoch`,
                value: reader.uint64()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.counter`,
                value: reader.uint64()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.peer`,
                value: reader.bytes()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.seq`,
                value: reader.uint64()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.attached`,
                value: reader.bool()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface AttachmentStatementDirectoryFieldEvent {
    field: '$.directory'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AttachmentStatementNetworkFieldEvent {
    field: '$.network'
    value: string
  }

  export interface AttachmentStatementEpochFieldEvent {
    field: '$.epoch'
    value: bigint
  }

  export interface AttachmentStatementCounterFieldEvent {
    field: '$.counter'
    value: bigint
  }

  export interface AttachmentStatementPeerFieldEvent {
    field: '$.peer'
    value: Uint8Array<ArrayBuffer>
  }

  export interface AttachmentStatementSeqFieldEvent {
    field: '$.seq'
    value: bigint
  }

  export interface AttachmentStatementAttachedFieldEvent {
    field: '$.attached'
    value: boolean
  }

  export function encode (obj: Partial<AttachmentStatement>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, AttachmentStatement.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AttachmentStatement>): AttachmentStatement {
    return decodeMessage(buf, AttachmentStatement.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AttachmentStatement>): Generator<AttachmentStatementDirectoryFieldEvent | AttachmentStatementNetworkFieldEvent | AttachmentStatementEpochFieldEvent | AttachmentStatementCounterFieldEvent | AttachmentStatementPeerFieldEvent | AttachmentStatementSeqFieldEvent | AttachmentStatementAttachedFieldEvent> {
    return streamMessage(buf, AttachmentStatement.codec(), opts)
  }
}

export interface Heartbeat {
  directory: Uint8Array<ArrayBuffer>
  network: string
  epoch: bigint
  counter: bigint
  beat: bigint
  digest: Uint8Array<ArrayBuffer>
  count: number
}

export namespace Heartbeat {
  let _codec: Codec<Heartbeat>

  export const codec = (): Codec<Heartbeat> => {
    if (_codec == null) {
      _codec = message<Heartbeat>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.directory != null && obj.directory.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.directory)
        }

        if ((obj.network != null && obj.network !== '')) {
          w.uint32(18)
          w.string(obj.network)
        }

        if ((obj.epoch != null && obj.epoch !== 0n)) {
          w.uint32(24)
          w.uint64(obj.epoch)
        }

        if ((obj.counter != null && obj.counter !== 0n)) {
          w.uint32(32)
          w.uint64(obj.counter)
        }

        if ((obj.beat != null && obj.beat !== 0n)) {
          w.uint32(40)
          w.uint64(obj.beat)
        }

        if ((obj.digest != null && obj.digest.byteLength > 0)) {
          w.uint32(50)
          w.bytes(obj.digest)
        }

        if ((obj.count != null && obj.count !== 0)) {
          w.uint32(56)
          w.uint32(obj.count)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          directory: uint8ArrayAlloc(0),
          network: '',
          epoch: 0n,
          counter: 0n,
          beat: 0n,
          digest: uint8ArrayAlloc(0),
          count: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.directory = reader.bytes()
              break
            }
            case 2: {
              obj.network = reader.string()
              break
            }
            case 3: {
              obj.epoch = reader.uint64()
              break
            }
            case 4: {
              obj.counter = reader.uint64()
              break
            }
            case 5: {
              obj.beat = reader.uint64()
              break
            }
            case 6: {
              obj.digest = reader.bytes()
              break
            }
            case 7: {
              obj.count = reader.uint32()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.directory`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.network`,
                value: reader.string()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.epoch`,
                value: reader.uint64()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.counter`,
                value: reader.uint64()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.beat`,
                value: reader.uint64()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.digest`,
                value: reader.bytes()
              }
              break
            }
            case 7: {
              yield {
                field: `${prefix}.count`,
                value: reader.uint32()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface HeartbeatDirectoryFieldEvent {
    field: '$.directory'
    value: Uint8Array<ArrayBuffer>
  }

  export interface HeartbeatNetworkFieldEvent {
    field: '$.network'
    value: string
  }

  export interface HeartbeatEpochFieldEvent {
    field: '$.epoch'
    value: bigint
  }

  export interface HeartbeatCounterFieldEvent {
    field: '$.counter'
    value: bigint
  }

  export interface HeartbeatBeatFieldEvent {
    field: '$.beat'
    value: bigint
  }

  export interface HeartbeatDigestFieldEvent {
    field: '$.digest'
    value: Uint8Array<ArrayBuffer>
  }

  export interface HeartbeatCountFieldEvent {
    field: '$.count'
    value: number
  }

  export function encode (obj: Partial<Heartbeat>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Heartbeat.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Heartbeat>): Heartbeat {
    return decodeMessage(buf, Heartbeat.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Heartbeat>): Generator<HeartbeatDirectoryFieldEvent | HeartbeatNetworkFieldEvent | HeartbeatEpochFieldEvent | HeartbeatCounterFieldEvent | HeartbeatBeatFieldEvent | HeartbeatDigestFieldEvent | HeartbeatCountFieldEvent> {
    return streamMessage(buf, Heartbeat.codec(), opts)
  }
}

export interface Update {
  statement: Uint8Array<ArrayBuffer>
  record?: Uint8Array<ArrayBuffer>
  forMs: bigint
}

export namespace Update {
  let _codec: Codec<Update>

  export const codec = (): Codec<Update> => {
    if (_codec == null) {
      _codec = message<Update>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.statement != null && obj.statement.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.statement)
        }

        if (obj.record != null) {
          w.uint32(18)
          w.bytes(obj.record)
        }

        if ((obj.forMs != null && obj.forMs !== 0n)) {
          w.uint32(24)
          w.uint64(obj.forMs)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          statement: uint8ArrayAlloc(0),
          forMs: 0n
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.statement = reader.bytes()
              break
            }
            case 2: {
              obj.record = reader.bytes()
              break
            }
            case 3: {
              obj.forMs = reader.uint64()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.statement`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.record`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.forMs`,
                value: reader.uint64()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface UpdateStatementFieldEvent {
    field: '$.statement'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateRecordFieldEvent {
    field: '$.record'
    value: Uint8Array<ArrayBuffer>
  }

  export interface UpdateForMsFieldEvent {
    field: '$.forMs'
    value: bigint
  }

  export function encode (obj: Partial<Update>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Update.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Update>): Update {
    return decodeMessage(buf, Update.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Update>): Generator<UpdateStatementFieldEvent | UpdateRecordFieldEvent | UpdateForMsFieldEvent> {
    return streamMessage(buf, Update.codec(), opts)
  }
}

export interface Gossip {
  updates: Update[]
  withdrawals: Uint8Array<ArrayBuffer>[]
  heartbeat?: Uint8Array<ArrayBuffer>
}

export namespace Gossip {
  let _codec: Codec<Gossip>

  export const codec = (): Codec<Gossip> => {
    if (_codec == null) {
      _codec = message<Gossip>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.updates != null && obj.updates.length > 0) {
          for (const value of obj.updates) {
            w.uint32(10)
            Update.codec().encode(value, w)
          }
        }

        if (obj.withdrawals != null && obj.withdrawals.length > 0) {
          for (const value of obj.withdrawals) {
            w.uint32(18)
            w.bytes(value)
          }
        }

        if (obj.heartbeat != null) {
          w.uint32(26)
          w.bytes(obj.heartbeat)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          updates: [],
          withdrawals: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.updates != null && obj.updates.length === opts.limits.updates) {
                throw new MaxLengthError('Decode error - repeated field "updates" had too many elements')
              }

              obj.updates.push(Update.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.updates$
              }))
              break
            }
            case 2: {
              if (opts.limits?.withdrawals != null && obj.withdrawals.length === opts.limits.withdrawals) {
                throw new MaxLengthError('Decode error - repeated field "withdrawals" had too many elements')
              }

              obj.withdrawals.push(reader.bytes())
              break
            }
            case 3: {
              obj.heartbeat = reader.bytes()
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const obj = {
          updates: 0,
          withdrawals: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              if (opts.limits?.updates != null && obj.updates === opts.limits.updates) {
                throw new MaxLengthError('Streaming decode error - repeated field "updates" had too many elements')
              }

              for (const evt of Update.codec().stream(reader, reader.uint32(), `${prefix}.updates[]`, {
                limits: opts.limits?.updates$
              })) {
                yield {
                  ...evt,
                  index: obj.updates
                }
              }

              obj.updates++

              break
            }
            case 2: {
              if (opts.limits?.withdrawals != null && obj.withdrawals === opts.limits.withdrawals) {
                throw new MaxLengthError('Streaming decode error - repeated field "withdrawals" had too many elements')
              }

              yield {
                field: `${prefix}.withdrawals[]`,
                index: obj.withdrawals,
                value: reader.bytes()
              }

              obj.withdrawals++

              break
            }
            case 3: {
              yield {
                field: `${prefix}.heartbeat`,
                value: reader.bytes()
              }
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface GossipUpdatesStatementFieldEvent {
    field: '$.updates[].statement'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface GossipUpdatesRecordFieldEvent {
    field: '$.updates[].record'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface GossipUpdatesForMsFieldEvent {
    field: '$.updates[].forMs'
    value: bigint
    index: number
  }

  export interface GossipWithdrawalsFieldEvent {
    field: '$.withdrawals[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface GossipHeartbeatFieldEvent {
    field: '$.heartbeat'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Gossip>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Gossip.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Gossip>): Gossip {
    return decodeMessage(buf, Gossip.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Gossip>): Generator<GossipUpdatesStatementFieldEvent | GossipUpdatesRecordFieldEvent | GossipUpdatesForMsFieldEvent | GossipWithdrawalsFieldEvent | GossipHeartbeatFieldEvent> {
    return streamMessage(buf, Gossip.codec(), opts)
  }
}

export interface FederationFrame {
  hello?: FederationFrame.Hello
  ask?: FederationFrame.Ask
  page?: FederationFrame.Page
  refuse?: FederationFrame.Refuse
}

export namespace FederationFrame {
  export interface Digest {
    directory: Uint8Array<ArrayBuffer>
    epoch: bigint
    counter: bigint
    digest: Uint8Array<ArrayBuffer>
    count: number
    heartbeat?: Uint8Array<ArrayBuffer>
    heardAgoMs: bigint
  }

  export namespace Digest {
    let _codec: Codec<Digest>

    export const codec = (): Codec<Digest> => {
      if (_codec == null) {
        _codec = message<Digest>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.directory != null && obj.directory.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.directory)
          }

          if ((obj.epoch != null && obj.epoch !== 0n)) {
            w.uint32(16)
            w.uint64(obj.epoch)
          }

          if ((obj.counter != null && obj.counter !== 0n)) {
            w.uint32(24)
            w.uint64(obj.counter)
          }

          if ((obj.digest != null && obj.digest.byteLength > 0)) {
            w.uint32(34)
            w.bytes(obj.digest)
          }

          if ((obj.count != null && obj.count !== 0)) {
            w.uint32(40)
            w.uint32(obj.count)
          }

          if (obj.heartbeat != null) {
            w.uint32(50)
            w.bytes(obj.heartbeat)
          }

          if ((obj.heardAgoMs != null && obj.heardAgoMs !== 0n)) {
            w.uint32(56)
            w.uint64(obj.heardAgoMs)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            directory: uint8ArrayAlloc(0),
            epoch: 0n,
            counter: 0n,
            digest: uint8ArrayAlloc(0),
            count: 0,
            heardAgoMs: 0n
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.directory = reader.bytes()
                break
              }
              case 2: {
                obj.epoch = reader.uint64()
                break
              }
              case 3: {
                obj.counter = reader.uint64()
                break
              }
              case 4: {
                obj.digest = reader.bytes()
                break
              }
              case 5: {
                obj.count = reader.uint32()
                break
              }
              case 6: {
                obj.heartbeat = reader.bytes()
                break
              }
              case 7: {
                obj.heardAgoMs = reader.uint64()
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }

          return obj
        }, function * (reader, length, prefix, opts = {}) {
          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                yield {
                  field: `${prefix}.directory`,
                  value: reader.bytes()
                }
                break
              }
              case 2: {
                yield {
                  field: `${prefix}.epoch`,
                  value: reader.uint64()
                }
                break
              }
              case 3: {
                yield {
                  field: `${prefix}.counter`,
                  value: reader.uint64()
                }
                break
              }
              case 4: {
                yield {
                  field: `${prefix}.digest`,
                  value: reader.bytes()
                }
                break
              }
              case 5: {
                yield {
                  field: `${prefix}.count`,
                  value: reader.uint32()
                }
                break
              }
              case 6: {
                yield {
                  field: `${prefix}.heartbeat`,
                  value: reader.bytes()
                }
                break
              }
              case 7: {
                yield {
                  field: `${prefix}.heardAgoMs`,
                  value: reader.uint64()
                }
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }
        })
      }

      return _codec
    }

    export interface DigestDirectoryFieldEvent {
      field: '$.directory'
      value: Uint8Array<ArrayBuffer>
    }

    export interface DigestEpochFieldEvent {
      field: '$.epoch'
      value: bigint
    }

    export interface DigestCounterFieldEvent {
      field: '$.counter'
      value: bigint
    }

    export interface DigestDigestFieldEvent {
      field: '$.digest'
      value: Uint8Array<ArrayBuffer>
    }

    export interface DigestCountFieldEvent {
      field: '$.count'
      value: number
    }

    export interface DigestHeartbeatFieldEvent {
      field: '$.heartbeat'
      value: Uint8Array<ArrayBuffer>
    }

    export interface DigestHeardAgoMsFieldEvent {
      field: '$.heardAgoMs'
      value: bigint
    }

    export function encode (obj: Partial<Digest>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Digest.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Digest>): Digest {
      return decodeMessage(buf, Digest.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Digest>): Generator<DigestDirectoryFieldEvent | DigestEpochFieldEvent | DigestCounterFieldEvent | DigestDigestFieldEvent | DigestCountFieldEvent | DigestHeartbeatFieldEvent | DigestHeardAgoMsFieldEvent> {
      return streamMessage(buf, Digest.codec(), opts)
    }
  }

  export interface Fellow {
    peer: Uint8Array<ArrayBuffer>
    addresses: Uint8Array<ArrayBuffer>[]
  }

  export namespace Fellow {
    let _codec: Codec<Fellow>

    export const codec = (): Codec<Fellow> => {
      if (_codec == null) {
        _codec = message<Fellow>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.peer != null && obj.peer.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.peer)
          }

          if (obj.addresses != null && obj.addresses.length > 0) {
            for (const value of obj.addresses) {
              w.uint32(18)
              w.bytes(value)
            }
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            peer: uint8ArrayAlloc(0),
            addresses: []
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.peer = reader.bytes()
                break
              }
              case 2: {
                if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
                  throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
                }

                obj.addresses.push(reader.bytes())
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }

          return obj
        }, function * (reader, length, prefix, opts = {}) {
          const obj = {
            addresses: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                yield {
                  field: `${prefix}.peer`,
                  value: reader.bytes()
                }
                break
              }
              case 2: {
                if (opts.limits?.addresses != null && obj.addresses === opts.limits.addresses) {
                  throw new MaxLengthError('Streaming decode error - repeated field "addresses" had too many elements')
                }

                yield {
                  field: `${prefix}.addresses[]`,
                  index: obj.addresses,
                  value: reader.bytes()
                }

                obj.addresses++

                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }
        })
      }

      return _codec
    }

    export interface FellowPeerFieldEvent {
      field: '$.peer'
      value: Uint8Array<ArrayBuffer>
    }

    export interface FellowAddressesFieldEvent {
      field: '$.addresses[]'
      index: number
      value: Uint8Array<ArrayBuffer>
    }

    export function encode (obj: Partial<Fellow>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Fellow.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Fellow>): Fellow {
      return decodeMessage(buf, Fellow.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Fellow>): Generator<FellowPeerFieldEvent | FellowAddressesFieldEvent> {
      return streamMessage(buf, Fellow.codec(), opts)
    }
  }

  export interface Hello {
    network: string
    digests: FederationFrame.Digest[]
    fellows: FederationFrame.Fellow[]
  }

  export namespace Hello {
    let _codec: Codec<Hello>

    export const codec = (): Codec<Hello> => {
      if (_codec == null) {
        _codec = message<Hello>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.network != null && obj.network !== '')) {
            w.uint32(10)
            w.string(obj.network)
          }

          if (obj.digests != null && obj.digests.length > 0) {
            for (const value of obj.digests) {
              w.uint32(18)
              FederationFrame.Digest.codec().encode(value, w)
            }
          }

          if (obj.fellows != null && obj.fellows.length > 0) {
            for (const value of obj.fellows) {
              w.uint32(26)
              FederationFrame.Fellow.codec().encode(value, w)
            }
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            network: '',
            digests: [],
            fellows: []
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.network = reader.string()
                break
              }
              case 2: {
                if (opts.limits?.digests != null && obj.digests.length === opts.limits.digests) {
                  throw new MaxLengthError('Decode error - repeated field "digests" had too many elements')
                }

                obj.digests.push(FederationFrame.Digest.codec().decode(reader, reader.uint32(), {
                  limits: opts.limits?.digests$
                }))
                break
              }
              case 3: {
                if (opts.limits?.fellows != null && obj.fellows.length === opts.limits.fellows) {
                  throw new MaxLengthError('Decode error - repeated field "fellows" had too many elements')
                }

                obj.fellows.push(FederationFrame.Fellow.codec().decode(reader, reader.uint32(), {
                  limits: opts.limits?.fellows$
                }))
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }

          return obj
        }, function * (reader, length, prefix, opts = {}) {
          const obj = {
            digests: 0,
            fellows: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                yield {
                  field: `${prefix}.network`,
                  value: reader.string()
                }
                break
              }
              case 2: {
                if (opts.limits?.digests != null && obj.digests === opts.limits.digests) {
                  throw new MaxLengthError('Streaming decode error - repeated field "digests" had too many elements')
                }

                for (const evt of FederationFrame.Digest.codec().stream(reader, reader.uint32(), `${prefix}.digests[]`, {
                  limits: opts.limits?.digests$
                })) {
                  yield {
                    ...evt,
                    index: obj.digests
                  }
                }

                obj.digests++

                break
              }
              case 3: {
                if (opts.limits?.fellows != null && obj.fellows === opts.limits.fellows) {
                  throw new MaxLengthError('Streaming decode error - repeated field "fellows" had too many elements')
                }

                for (const evt of FederationFrame.Fellow.codec().stream(reader, reader.uint32(), `${prefix}.fellows[]`, {
                  limits: opts.limits?.fellows$
                })) {
                  yield {
                    ...evt,
                    index: obj.fellows
                  }
                }

                obj.fellows++

                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }
        })
      }

      return _codec
    }

    export interface HelloNetworkFieldEvent {
      field: '$.network'
      value: string
    }

    export interface HelloDigestsDirectoryFieldEvent {
      field: '$.digests[].directory'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface HelloDigestsEpochFieldEvent {
      field: '$.digests[].epoch'
      value: bigint
      index: number
    }

    export interface HelloDigestsCounterFieldEvent {
      field: '$.digests[].counter'
      value: bigint
      index: number
    }

    export interface HelloDigestsDigestFieldEvent {
      field: '$.digests[].digest'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface HelloDigestsCountFieldEvent {
      field: '$.digests[].count'
      value: number
      index: number
    }

    export interface HelloDigestsHeartbeatFieldEvent {
      field: '$.digests[].heartbeat'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface HelloDigestsHeardAgoMsFieldEvent {
      field: '$.digests[].heardAgoMs'
      value: bigint
      index: number
    }

    export interface HelloFellowsPeerFieldEvent {
      field: '$.fellows[].peer'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface HelloFellowsAddressesFieldEvent {
      field: '$.fellows[].addresses[]'
      index: number
      value: Uint8Array<ArrayBuffer>
    }

    export function encode (obj: Partial<Hello>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Hello.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Hello {
      return decodeMessage(buf, Hello.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Generator<HelloNetworkFieldEvent | HelloDigestsDirectoryFieldEvent | HelloDigestsEpochFieldEvent | HelloDigestsCounterFieldEvent | HelloDigestsDigestFieldEvent | HelloDigestsCountFieldEvent | HelloDigestsHeartbeatFieldEvent | HelloDigestsHeardAgoMsFieldEvent | HelloFellowsPeerFieldEvent | HelloFellowsAddressesFieldEvent> {
      return streamMessage(buf, Hello.codec(), opts)
    }
  }

  export interface Ask {
    directory: Uint8Array<ArrayBuffer>
    epoch?: bigint
    afterCounter: bigint
    withdrawals: boolean
  }

  export namespace Ask {
    let _codec: Codec<Ask>

    export const codec = (): Codec<Ask> => {
      if (_codec == null) {
        _codec = message<Ask>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.directory != null && obj.directory.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.directory)
          }

          if (obj.epoch != null) {
            w.uint32(16)
            w.uint64(obj.epoch)
          }

          if ((obj.afterCounter != null && obj.afterCounter !== 0n)) {
            w.uint32(24)
            w.uint64(obj.afterCounter)
          }

          if ((obj.withdrawals != null && obj.withdrawals !== false)) {
            w.uint32(32)
            w.bool(obj.withdrawals)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            directory: uint8ArrayAlloc(0),
            afterCounter: 0n,
            withdrawals: false
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.directory = reader.bytes()
                break
              }
              case 2: {
                obj.epoch = reader.uint64()
                break
              }
              case 3: {
                obj.afterCounter = reader.uint64()
                break
              }
              case 4: {
                obj.withdrawals = reader.bool()
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }

          return obj
        }, function * (reader, length, prefix, opts = {}) {
          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                yield {
                  field: `${prefix}.directory`,
                  value: reader.bytes()
                }
                break
              }
              case 2: {
                yield {
                  field: `${prefix}.epoch`,
                  value: reader.uint64()
                }
                break
              }
              case 3: {
                yield {
                  field: `${prefix}.afterCounter`,
                  value: reader.uint64()
                }
                break
              }
              case 4: {
                yield {
                  field: `${prefix}.withdrawals`,
                  value: reader.bool()
                }
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }
        })
      }

      return _codec
    }

    export interface AskDirectoryFieldEvent {
      field: '$.directory'
      value: Uint8Array<ArrayBuffer>
    }

    export interface AskEpochFieldEvent {
      field: '$.epoch'
      value: bigint
    }

    export interface AskAfterCounterFieldEvent {
      field: '$.afterCounter'
      value: bigint
    }

    export interface AskWithdrawalsFieldEvent {
      field: '$.withdrawals'
      value: boolean
    }

    export function encode (obj: Partial<Ask>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Ask.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Ask>): Ask {
      return decodeMessage(buf, Ask.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Ask>): Generator<AskDirectoryFieldEvent | AskEpochFieldEvent | AskAfterCounterFieldEvent | AskWithdrawalsFieldEvent> {
      return streamMessage(buf, Ask.codec(), opts)
    }
  }

  export interface Page {
    directory: Uint8Array<ArrayBuffer>
    epoch?: bigint
    updates: Update[]
    withdrawals: Uint8Array<ArrayBuffer>[]
    last: boolean
  }

  export namespace Page {
    let _codec: Codec<Page>

    export const codec = (): Codec<Page> => {
      if (_codec == null) {
        _codec = message<Page>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.directory != null && obj.directory.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.directory)
          }

          if (obj.epoch != null) {
            w.uint32(16)
            w.uint64(obj.epoch)
          }

          if (obj.updates != null && obj.updates.length > 0) {
            for (const value of obj.updates) {
              w.uint32(26)
              Update.codec().encode(value, w)
            }
          }

          if (obj.withdrawals != null && obj.withdrawals.length > 0) {
            for (const value of obj.withdrawals) {
              w.uint32(34)
              w.bytes(value)
            }
          }

          if ((obj.last != null && obj.last !== false)) {
            w.uint32(40)
            w.bool(obj.last)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            directory: uint8ArrayAlloc(0),
            updates: [],
            withdrawals: [],
            last: false
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.directory = reader.bytes()
                break
              }
              case 2: {
                obj.epoch = reader.uint64()
                break
              }
              case 3: {
                if (opts.limits?.updates != null && obj.updates.length === opts.limits.updates) {
                  throw new MaxLengthError('Decode error - repeated field "updates" had too many elements')
                }

                obj.updates.push(Update.codec().decode(reader, reader.uint32(), {
                  limits: opts.limits?.updates$
                }))
                break
              }
              case 4: {
                if (opts.limits?.withdrawals != null && obj.withdrawals.length === opts.limits.withdrawals) {
                  throw new MaxLengthError('Decode error - repeated field "withdrawals" had too many elements')
                }

                obj.withdrawals.push(reader.bytes())
                break
              }
              case 5: {
                obj.last = reader.bool()
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }

          return obj
        }, function * (reader, length, prefix, opts = {}) {
          const obj = {
            updates: 0,
            withdrawals: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                yield {
                  field: `${prefix}.directory`,
                  value: reader.bytes()
                }
                break
              }
              case 2: {
                yield {
                  field: `${prefix}.epoch`,
                  value: reader.uint64()
                }
                break
              }
              case 3: {
                if (opts.limits?.updates != null && obj.updates === opts.limits.updates) {
                  throw new MaxLengthError('Streaming decode error - repeated field "updates" had too many elements')
                }

                for (const evt of Update.codec().stream(reader, reader.uint32(), `${prefix}.updates[]`, {
                  limits: opts.limits?.updates$
                })) {
                  yield {
                    ...evt,
                    index: obj.updates
                  }
                }

                obj.updates++

                break
              }
              case 4: {
                if (opts.limits?.withdrawals != null && obj.withdrawals === opts.limits.withdrawals) {
                  throw new MaxLengthError('Streaming decode error - repeated field "withdrawals" had too many elements')
                }

                yield {
                  field: `${prefix}.withdrawals[]`,
                  index: obj.withdrawals,
                  value: reader.bytes()
                }

                obj.withdrawals++

                break
              }
              case 5: {
                yield {
                  field: `${prefix}.last`,
                  value: reader.bool()
                }
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }
        })
      }

      return _codec
    }

    export interface PageDirectoryFieldEvent {
      field: '$.directory'
      value: Uint8Array<ArrayBuffer>
    }

    export interface PageEpochFieldEvent {
      field: '$.epoch'
      value: bigint
    }

    export interface PageUpdatesStatementFieldEvent {
      field: '$.updates[].statement'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface PageUpdatesRecordFieldEvent {
      field: '$.updates[].record'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface PageUpdatesForMsFieldEvent {
      field: '$.updates[].forMs'
      value: bigint
      index: number
    }

    export interface PageWithdrawalsFieldEvent {
      field: '$.withdrawals[]'
      index: number
      value: Uint8Array<ArrayBuffer>
    }

    export interface PageLastFieldEvent {
      field: '$.last'
      value: boolean
    }

    export function encode (obj: Partial<Page>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Page.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Page>): Page {
      return decodeMessage(buf, Page.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Page>): Generator<PageDirectoryFieldEvent | PageEpochFieldEvent | PageUpdatesStatementFieldEvent | PageUpdatesRecordFieldEvent | PageUpdatesForMsFieldEvent | PageWithdrawalsFieldEvent | PageLastFieldEvent> {
      return streamMessage(buf, Page.codec(), opts)
    }
  }

  export interface Refuse {
    reason: string
    retryAfterMs: number
  }

  export namespace Refuse {
    let _codec: Codec<Refuse>

    export const codec = (): Codec<Refuse> => {
      if (_codec == null) {
        _codec = message<Refuse>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.reason != null && obj.reason !== '')) {
            w.uint32(10)
            w.string(obj.reason)
          }

          if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0)) {
            w.uint32(16)
            w.uint32(obj.retryAfterMs)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            reason: '',
            retryAfterMs: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.reason = reader.string()
                break
              }
              case 2: {
                obj.retryAfterMs = reader.uint32()
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }

          return obj
        }, function * (reader, length, prefix, opts = {}) {
          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                yield {
                  field: `${prefix}.reason`,
                  value: reader.string()
                }
                break
              }
              case 2: {
                yield {
                  field: `${prefix}.retryAfterMs`,
                  value: reader.uint32()
                }
                break
              }
              default: {
                reader.skipType(tag & 7)
                break
              }
            }
          }
        })
      }

      return _codec
    }

    export interface RefuseReasonFieldEvent {
      field: '$.reason'
      value: string
    }

    export interface RefuseRetryAfterMsFieldEvent {
      field: '$.retryAfterMs'
      value: number
    }

    export function encode (obj: Partial<Refuse>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Refuse.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Refuse {
      return decodeMessage(buf, Refuse.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Generator<RefuseReasonFieldEvent | RefuseRetryAfterMsFieldEvent> {
      return streamMessage(buf, Refuse.codec(), opts)
    }
  }

  let _codec: Codec<FederationFrame>

  export const codec = (): Codec<FederationFrame> => {
    if (_codec == null) {
      _codec = message<FederationFrame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.refuse != null) {
          obj.page = undefined
          obj.ask = undefined
          obj.hello = undefined
        }

        if (obj.page != null) {
          obj.refuse = undefined
          obj.ask = undefined
          obj.hello = undefined
        }

        if (obj.ask != null) {
          obj.refuse = undefined
          obj.page = undefined
          obj.hello = undefined
        }

        if (obj.hello != null) {
          obj.refuse = undefined
          obj.page = undefined
          obj.ask = undefined
        }

        if (obj.hello != null) {
          w.uint32(10)
          FederationFrame.Hello.codec().encode(obj.hello, w)
        }

        if (obj.ask != null) {
          w.uint32(18)
          FederationFrame.Ask.codec().encode(obj.ask, w)
        }

        if (obj.page != null) {
          w.uint32(26)
          FederationFrame.Page.codec().encode(obj.page, w)
        }

        if (obj.refuse != null) {
          w.uint32(34)
          FederationFrame.Refuse.codec().encode(obj.refuse, w)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {}

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.hello = FederationFrame.Hello.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.hello
              })
              break
            }
            case 2: {
              obj.ask = FederationFrame.Ask.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.ask
              })
              break
            }
            case 3: {
              obj.page = FederationFrame.Page.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.page
              })
              break
            }
            case 4: {
              obj.refuse = FederationFrame.Refuse.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.refuse
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.refuse != null) {
          delete obj.page
          delete obj.ask
          delete obj.hello
        }

        if (obj.page != null) {
          delete obj.refuse
          delete obj.ask
          delete obj.hello
        }

        if (obj.ask != null) {
          delete obj.refuse
          delete obj.page
          delete obj.hello
        }

        if (obj.hello != null) {
          delete obj.refuse
          delete obj.page
          delete obj.ask
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * FederationFrame.Hello.codec().stream(reader, reader.uint32(), `${prefix}.hello`, {
                limits: opts.limits?.hello
              })

              break
            }
            case 2: {
              yield * FederationFrame.Ask.codec().stream(reader, reader.uint32(), `${prefix}.ask`, {
                limits: opts.limits?.ask
              })

              break
            }
            case 3: {
              yield * FederationFrame.Page.codec().stream(reader, reader.uint32(), `${prefix}.page`, {
                limits: opts.limits?.page
              })

              break
            }
            case 4: {
              yield * FederationFrame.Refuse.codec().stream(reader, reader.uint32(), `${prefix}.refuse`, {
                limits: opts.limits?.refuse
              })

              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }
      })
    }

    return _codec
  }

  export interface FederationFrameHelloNetworkFieldEvent {
    field: '$.hello.network'
    value: string
  }

  export interface FederationFrameHelloDigestsDirectoryFieldEvent {
    field: '$.hello.digests[].directory'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface FederationFrameHelloDigestsEpochFieldEvent {
    field: '$.hello.digests[].epoch'
    value: bigint
    index: number
  }

  export interface FederationFrameHelloDigestsCounterFieldEvent {
    field: '$.hello.digests[].counter'
    value: bigint
    index: number
  }

  export interface FederationFrameHelloDigestsDigestFieldEvent {
    field: '$.hello.digests[].digest'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface FederationFrameHelloDigestsCountFieldEvent {
    field: '$.hello.digests[].count'
    value: number
    index: number
  }

  export interface FederationFrameHelloDigestsHeartbeatFieldEvent {
    field: '$.hello.digests[].heartbeat'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface FederationFrameHelloDigestsHeardAgoMsFieldEvent {
    field: '$.hello.digests[].heardAgoMs'
    value: bigint
    index: number
  }

  export interface FederationFrameHelloFellowsPeerFieldEvent {
    field: '$.hello.fellows[].peer'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface FederationFrameHelloFellowsAddressesFieldEvent {
    field: '$.hello.fellows[].addresses[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface FederationFrameAskDirectoryFieldEvent {
    field: '$.ask.directory'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FederationFrameAskEpochFieldEvent {
    field: '$.ask.epoch'
    value: bigint
  }

  export interface FederationFrameAskAfterCounterFieldEvent {
    field: '$.ask.afterCounter'
    value: bigint
  }

  export interface FederationFrameAskWithdrawalsFieldEvent {
    field: '$.ask.withdrawals'
    value: boolean
  }

  export interface FederationFramePageDirectoryFieldEvent {
    field: '$.page.directory'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FederationFramePageEpochFieldEvent {
    field: '$.page.epoch'
    value: bigint
  }

  export interface FederationFramePageUpdatesStatementFieldEvent {
    field: '$.page.updates[].statement'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface FederationFramePageUpdatesRecordFieldEvent {
    field: '$.page.updates[].record'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface FederationFramePageUpdatesForMsFieldEvent {
    field: '$.page.updates[].forMs'
    value: bigint
    index: number
  }

  export interface FederationFramePageWithdrawalsFieldEvent {
    field: '$.page.withdrawals[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface FederationFramePageLastFieldEvent {
    field: '$.page.last'
    value: boolean
  }

  export interface FederationFrameRefuseReasonFieldEvent {
    field: '$.refuse.reason'
    value: string
  }

  export interface FederationFrameRefuseRetryAfterMsFieldEvent {
    field: '$.refuse.retryAfterMs'
    value: number
  }

  export function encode (obj: Partial<FederationFrame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, FederationFrame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FederationFrame>): FederationFrame {
    return decodeMessage(buf, FederationFrame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<FederationFrame>): Generator<FederationFrameHelloNetworkFieldEvent | FederationFrameHelloDigestsDirectoryFieldEvent | FederationFrameHelloDigestsEpochFieldEvent | FederationFrameHelloDigestsCounterFieldEvent | FederationFrameHelloDigestsDigestFieldEvent | FederationFrameHelloDigestsCountFieldEvent | FederationFrameHelloDigestsHeartbeatFieldEvent | FederationFrameHelloDigestsHeardAgoMsFieldEvent | FederationFrameHelloFellowsPeerFieldEvent | FederationFrameHelloFellowsAddressesFieldEvent | FederationFrameAskDirectoryFieldEvent | FederationFrameAskEpochFieldEvent | FederationFrameAskAfterCounterFieldEvent | FederationFrameAskWithdrawalsFieldEvent | FederationFramePageDirectoryFieldEvent | FederationFramePageEpochFieldEvent | FederationFramePageUpdatesStatementFieldEvent | FederationFramePageUpdatesRecordFieldEvent | FederationFramePageUpdatesForMsFieldEvent | FederationFramePageWithdrawalsFieldEvent | FederationFramePageLastFieldEvent | FederationFrameRefuseReasonFieldEvent | FederationFrameRefuseRetryAfterMsFieldEvent> {
    return streamMessage(buf, FederationFrame.codec(), opts)
  }
}
