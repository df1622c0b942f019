// Generated from directory-frames.proto by `npm run proto`: change that, not this.
// @ts-nocheck (what protons writes does not hold under exactOptionalPropertyTypes)
import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from '../../wire/protons-runtime.ts'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from '../../wire/protons-runtime.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface ClientFrame {
  announce?: ClientFrame.Announce
  withdraw?: ClientFrame.Withdraw
  watch?: ClientFrame.Watch
  lookup?: ClientFrame.Lookup
}

export namespace ClientFrame {
  export interface Announce {
    envelope: Uint8Array<ArrayBuffer>
  }

  export namespace Announce {
    let _codec: Codec<Announce>

    export const codec = (): Codec<Announce> => {
      if (_codec == null) {
        _codec = message<Announce>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.envelope != null && obj.envelope.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.envelope)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            envelope: uint8ArrayAlloc(0)
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.envelope = reader.bytes()
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
                  field: `${prefix}.envelope`,
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

    export interface AnnounceEnvelopeFieldEvent {
      field: '$.envelope'
      value: Uint8Array<ArrayBuffer>
    }

    export function encode (obj: Partial<Announce>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Announce.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Announce>): Announce {
      return decodeMessage(buf, Announce.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Announce>): Generator<AnnounceEnvelopeFieldEvent> {
      return streamMessage(buf, Announce.codec(), opts)
    }
  }

  export interface Withdraw {
    envelope: Uint8Array<ArrayBuffer>
  }

  export namespace Withdraw {
    let _codec: Codec<Withdraw>

    export const codec = (): Codec<Withdraw> => {
      if (_codec == null) {
        _codec = message<Withdraw>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.envelope != null && obj.envelope.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.envelope)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            envelope: uint8ArrayAlloc(0)
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.envelope = reader.bytes()
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
                  field: `${prefix}.envelope`,
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

    export interface WithdrawEnvelopeFieldEvent {
      field: '$.envelope'
      value: Uint8Array<ArrayBuffer>
    }

    export function encode (obj: Partial<Withdraw>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Withdraw.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Withdraw>): Withdraw {
      return decodeMessage(buf, Withdraw.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Withdraw>): Generator<WithdrawEnvelopeFieldEvent> {
      return streamMessage(buf, Withdraw.codec(), opts)
    }
  }

  export interface Watch {
    query: string
    offset: number
    limit: number
  }

  export namespace Watch {
    let _codec: Codec<Watch>

    export const codec = (): Codec<Watch> => {
      if (_codec == null) {
        _codec = message<Watch>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.query != null && obj.query !== '')) {
            w.uint32(10)
            w.string(obj.query)
          }

          if ((obj.offset != null && obj.offset !== 0)) {
            w.uint32(16)
            w.uint32(obj.offset)
          }

          if ((obj.limit != null && obj.limit !== 0)) {
            w.uint32(24)
            w.uint32(obj.limit)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            query: '',
            offset: 0,
            limit: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.query = reader.string()
                break
              }
              case 2: {
                obj.offset = reader.uint32()
                break
              }
              case 3: {
                obj.limit = reader.uint32()
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
                  field: `${prefix}.query`,
                  value: reader.string()
                }
                break
              }
              case 2: {
                yield {
                  field: `${prefix}.offset`,
                  value: reader.uint32()
                }
                break
              }
              case 3: {
                yield {
                  field: `${prefix}.limit`,
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

    export interface WatchQueryFieldEvent {
      field: '$.query'
      value: string
    }

    export interface WatchOffsetFieldEvent {
      field: '$.offset'
      value: number
    }

    export interface WatchLimitFieldEvent {
      field: '$.limit'
      value: number
    }

    export function encode (obj: Partial<Watch>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Watch.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Watch>): Watch {
      return decodeMessage(buf, Watch.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Watch>): Generator<WatchQueryFieldEvent | WatchOffsetFieldEvent | WatchLimitFieldEvent> {
      return streamMessage(buf, Watch.codec(), opts)
    }
  }

  export interface Lookup {
    peer: Uint8Array<ArrayBuffer>
  }

  export namespace Lookup {
    let _codec: Codec<Lookup>

    export const codec = (): Codec<Lookup> => {
      if (_codec == null) {
        _codec = message<Lookup>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.peer != null && obj.peer.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.peer)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            peer: uint8ArrayAlloc(0)
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.peer = reader.bytes()
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
                  field: `${prefix}.peer`,
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

    export interface LookupPeerFieldEvent {
      field: '$.peer'
      value: Uint8Array<ArrayBuffer>
    }

    export function encode (obj: Partial<Lookup>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Lookup.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Lookup>): Lookup {
      return decodeMessage(buf, Lookup.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Lookup>): Generator<LookupPeerFieldEvent> {
      return streamMessage(buf, Lookup.codec(), opts)
    }
  }

  let _codec: Codec<ClientFrame>

  export const codec = (): Codec<ClientFrame> => {
    if (_codec == null) {
      _codec = message<ClientFrame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.lookup != null) {
          obj.watch = undefined
          obj.withdraw = undefined
          obj.announce = undefined
        }

        if (obj.watch != null) {
          obj.lookup = undefined
          obj.withdraw = undefined
          obj.announce = undefined
        }

        if (obj.withdraw != null) {
          obj.lookup = undefined
          obj.watch = undefined
          obj.announce = undefined
        }

        if (obj.announce != null) {
          obj.lookup = undefined
          obj.watch = undefined
          obj.withdraw = undefined
        }

        if (obj.announce != null) {
          w.uint32(10)
          ClientFrame.Announce.codec().encode(obj.announce, w)
        }

        if (obj.withdraw != null) {
          w.uint32(18)
          ClientFrame.Withdraw.codec().encode(obj.withdraw, w)
        }

        if (obj.watch != null) {
          w.uint32(26)
          ClientFrame.Watch.codec().encode(obj.watch, w)
        }

        if (obj.lookup != null) {
          w.uint32(34)
          ClientFrame.Lookup.codec().encode(obj.lookup, w)
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
              obj.announce = ClientFrame.Announce.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.announce
              })
              break
            }
            case 2: {
              obj.withdraw = ClientFrame.Withdraw.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.withdraw
              })
              break
            }
            case 3: {
              obj.watch = ClientFrame.Watch.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.watch
              })
              break
            }
            case 4: {
              obj.lookup = ClientFrame.Lookup.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.lookup
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.lookup != null) {
          delete obj.watch
          delete obj.withdraw
          delete obj.announce
        }

        if (obj.watch != null) {
          delete obj.lookup
          delete obj.withdraw
          delete obj.announce
        }

        if (obj.withdraw != null) {
          delete obj.lookup
          delete obj.watch
          delete obj.announce
        }

        if (obj.announce != null) {
          delete obj.lookup
          delete obj.watch
          delete obj.withdraw
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * ClientFrame.Announce.codec().stream(reader, reader.uint32(), `${prefix}.announce`, {
                limits: opts.limits?.announce
              })

              break
            }
            case 2: {
              yield * ClientFrame.Withdraw.codec().stream(reader, reader.uint32(), `${prefix}.withdraw`, {
                limits: opts.limits?.withdraw
              })

              break
            }
            case 3: {
              yield * ClientFrame.Watch.codec().stream(reader, reader.uint32(), `${prefix}.watch`, {
                limits: opts.limits?.watch
              })

              break
            }
            case 4: {
              yield * ClientFrame.Lookup.codec().stream(reader, reader.uint32(), `${prefix}.lookup`, {
                limits: opts.limits?.lookup
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

  export interface ClientFrameAnnounceEnvelopeFieldEvent {
    field: '$.announce.envelope'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ClientFrameWithdrawEnvelopeFieldEvent {
    field: '$.withdraw.envelope'
    value: Uint8Array<ArrayBuffer>
  }

  export interface ClientFrameWatchQueryFieldEvent {
    field: '$.watch.query'
    value: string
  }

  export interface ClientFrameWatchOffsetFieldEvent {
    field: '$.watch.offset'
    value: number
  }

  export interface ClientFrameWatchLimitFieldEvent {
    field: '$.watch.limit'
    value: number
  }

  export interface ClientFrameLookupPeerFieldEvent {
    field: '$.lookup.peer'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<ClientFrame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, ClientFrame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ClientFrame>): ClientFrame {
    return decodeMessage(buf, ClientFrame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ClientFrame>): Generator<ClientFrameAnnounceEnvelopeFieldEvent | ClientFrameWithdrawEnvelopeFieldEvent | ClientFrameWatchQueryFieldEvent | ClientFrameWatchOffsetFieldEvent | ClientFrameWatchLimitFieldEvent | ClientFrameLookupPeerFieldEvent> {
    return streamMessage(buf, ClientFrame.codec(), opts)
  }
}

export interface DirectoryFrame {
  welcome?: DirectoryFrame.Welcome
  snapshot?: DirectoryFrame.Snapshot
  changes?: DirectoryFrame.Changes
  refuse?: DirectoryFrame.Refuse
  found?: DirectoryFrame.Found
}

export namespace DirectoryFrame {
  export interface Welcome {
    network: string
    leaseMs: number
    refreshAfterMs: number
    acceptedSeq?: bigint
  }

  export namespace Welcome {
    let _codec: Codec<Welcome>

    export const codec = (): Codec<Welcome> => {
      if (_codec == null) {
        _codec = message<Welcome>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.network != null && obj.network !== '')) {
            w.uint32(10)
            w.string(obj.network)
          }

          if ((obj.leaseMs != null && obj.leaseMs !== 0)) {
            w.uint32(16)
            w.uint32(obj.leaseMs)
          }

          if ((obj.refreshAfterMs != null && obj.refreshAfterMs !== 0)) {
            w.uint32(24)
            w.uint32(obj.refreshAfterMs)
          }

          if (obj.acceptedSeq != null) {
            w.uint32(32)
            w.uint64(obj.acceptedSeq)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            network: '',
            leaseMs: 0,
            refreshAfterMs: 0
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
                obj.leaseMs = reader.uint32()
                break
              }
              case 3: {
                obj.refreshAfterMs = reader.uint32()
                break
              }
              case 4: {
                obj.acceptedSeq = reader.uint64()
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
                  field: `${prefix}.network`,
                  value: reader.string()
                }
                break
              }
              case 2: {
                yield {
                  field: `${prefix}.leaseMs`,
                  value: reader.uint32()
                }
                break
              }
              case 3: {
                yield {
                  field: `${prefix}.refreshAfterMs`,
                  value: reader.uint32()
                }
                break
              }
              case 4: {
                yield {
                  field: `${prefix}.acceptedSeq`,
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

    export interface WelcomeNetworkFieldEvent {
      field: '$.network'
      value: string
    }

    export interface WelcomeLeaseMsFieldEvent {
      field: '$.leaseMs'
      value: number
    }

    export interface WelcomeRefreshAfterMsFieldEvent {
      field: '$.refreshAfterMs'
      value: number
    }

    export interface WelcomeAcceptedSeqFieldEvent {
      field: '$.acceptedSeq'
      value: bigint
    }

    export function encode (obj: Partial<Welcome>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Welcome.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Welcome>): Welcome {
      return decodeMessage(buf, Welcome.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Welcome>): Generator<WelcomeNetworkFieldEvent | WelcomeLeaseMsFieldEvent | WelcomeRefreshAfterMsFieldEvent | WelcomeAcceptedSeqFieldEvent> {
      return streamMessage(buf, Welcome.codec(), opts)
    }
  }

  export interface Attachment {
    directory: Uint8Array<ArrayBuffer>
    forMs: bigint
  }

  export namespace Attachment {
    let _codec: Codec<Attachment>

    export const codec = (): Codec<Attachment> => {
      if (_codec == null) {
        _codec = message<Attachment>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.directory != null && obj.directory.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.directory)
          }

          if ((obj.forMs != null && obj.forMs !== 0n)) {
            w.uint32(16)
            w.uint64(obj.forMs)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            directory: uint8ArrayAlloc(0),
            forMs: 0n
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
                  field: `${prefix}.directory`,
                  value: reader.bytes()
                }
                break
              }
              case 2: {
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

    export interface AttachmentDirectoryFieldEvent {
      field: '$.directory'
      value: Uint8Array<ArrayBuffer>
    }

    export interface AttachmentForMsFieldEvent {
      field: '$.forMs'
      value: bigint
    }

    export function encode (obj: Partial<Attachment>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Attachment.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Attachment>): Attachment {
      return decodeMessage(buf, Attachment.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Attachment>): Generator<AttachmentDirectoryFieldEvent | AttachmentForMsFieldEvent> {
      return streamMessage(buf, Attachment.codec(), opts)
    }
  }

  export interface Entry {
    envelope: Uint8Array<ArrayBuffer>
    attachments: DirectoryFrame.Attachment[]
  }

  export namespace Entry {
    let _codec: Codec<Entry>

    export const codec = (): Codec<Entry> => {
      if (_codec == null) {
        _codec = message<Entry>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.envelope != null && obj.envelope.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.envelope)
          }

          if (obj.attachments != null && obj.attachments.length > 0) {
            for (const value of obj.attachments) {
              w.uint32(18)
              DirectoryFrame.Attachment.codec().encode(value, w)
            }
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            envelope: uint8ArrayAlloc(0),
            attachments: []
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                obj.envelope = reader.bytes()
                break
              }
              case 2: {
                if (opts.limits?.attachments != null && obj.attachments.length === opts.limits.attachments) {
                  throw new MaxLengthError('Decode error - repeated field "attachments" had too many elements')
                }

                obj.attachments.push(DirectoryFrame.Attachment.codec().decode(reader, reader.uint32(), {
                  limits: opts.limits?.attachments$
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
            attachments: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                yield {
                  field: `${prefix}.envelope`,
                  value: reader.bytes()
                }
                break
              }
              case 2: {
                if (opts.limits?.attachments != null && obj.attachments === opts.limits.attachments) {
                  throw new MaxLengthError('Streaming decode error - repeated field "attachments" had too many elements')
                }

                for (const evt of DirectoryFrame.Attachment.codec().stream(reader, reader.uint32(), `${prefix}.attachments[]`, {
                  limits: opts.limits?.attachments$
                })) {
                  yield {
                    ...evt,
                    index: obj.attachments
                  }
                }

                obj.attachments++

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

    export interface EntryEnvelopeFieldEvent {
      field: '$.envelope'
      value: Uint8Array<ArrayBuffer>
    }

    export interface EntryAttachmentsDirectoryFieldEvent {
      field: '$.attachments[].directory'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface EntryAttachmentsForMsFieldEvent {
      field: '$.attachments[].forMs'
      value: bigint
      index: number
    }

    export function encode (obj: Partial<Entry>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Entry.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Entry>): Entry {
      return decodeMessage(buf, Entry.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Entry>): Generator<EntryEnvelopeFieldEvent | EntryAttachmentsDirectoryFieldEvent | EntryAttachmentsForMsFieldEvent> {
      return streamMessage(buf, Entry.codec(), opts)
    }
  }

  export interface Snapshot {
    entries: DirectoryFrame.Entry[]
    total: number
    last: boolean
  }

  export namespace Snapshot {
    let _codec: Codec<Snapshot>

    export const codec = (): Codec<Snapshot> => {
      if (_codec == null) {
        _codec = message<Snapshot>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if (obj.entries != null && obj.entries.length > 0) {
            for (const value of obj.entries) {
              w.uint32(10)
              DirectoryFrame.Entry.codec().encode(value, w)
            }
          }

          if ((obj.total != null && obj.total !== 0)) {
            w.uint32(16)
            w.uint32(obj.total)
          }

          if ((obj.last != null && obj.last !== false)) {
            w.uint32(24)
            w.bool(obj.last)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            entries: [],
            total: 0,
            last: false
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                if (opts.limits?.entries != null && obj.entries.length === opts.limits.entries) {
                  throw new MaxLengthError('Decode error - repeated field "entries" had too many elements')
                }

                obj.entries.push(DirectoryFrame.Entry.codec().decode(reader, reader.uint32(), {
                  limits: opts.limits?.entries$
                }))
                break
              }
              case 2: {
                obj.total = reader.uint32()
                break
              }
              case 3: {
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
            entries: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                if (opts.limits?.entries != null && obj.entries === opts.limits.entries) {
                  throw new MaxLengthError('Streaming decode error - repeated field "entries" had too many elements')
                }

                for (const evt of DirectoryFrame.Entry.codec().stream(reader, reader.uint32(), `${prefix}.entries[]`, {
                  limits: opts.limits?.entries$
                })) {
                  yield {
                    ...evt,
                    index: obj.entries
                  }
                }

                obj.entries++

                break
              }
              case 2: {
                yield {
                  field: `${prefix}.total`,
                  value: reader.uint32()
                }
                break
              }
              case 3: {
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

    export interface SnapshotEntriesEnvelopeFieldEvent {
      field: '$.entries[].envelope'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface SnapshotEntriesAttachmentsDirectoryFieldEvent {
      field: '$.entries[].attachments[].directory'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface SnapshotEntriesAttachmentsForMsFieldEvent {
      field: '$.entries[].attachments[].forMs'
      value: bigint
      index: number
    }

    export interface SnapshotTotalFieldEvent {
      field: '$.total'
      value: number
    }

    export interface SnapshotLastFieldEvent {
      field: '$.last'
      value: boolean
    }

    export function encode (obj: Partial<Snapshot>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Snapshot.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Snapshot>): Snapshot {
      return decodeMessage(buf, Snapshot.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Snapshot>): Generator<SnapshotEntriesEnvelopeFieldEvent | SnapshotEntriesAttachmentsDirectoryFieldEvent | SnapshotEntriesAttachmentsForMsFieldEvent | SnapshotTotalFieldEvent | SnapshotLastFieldEvent> {
      return streamMessage(buf, Snapshot.codec(), opts)
    }
  }

  export interface Changes {
    entries: DirectoryFrame.Entry[]
    removed: Uint8Array<ArrayBuffer>[]
    total: number
  }

  export namespace Changes {
    let _codec: Codec<Changes>

    export const codec = (): Codec<Changes> => {
      if (_codec == null) {
        _codec = message<Changes>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if (obj.entries != null && obj.entries.length > 0) {
            for (const value of obj.entries) {
              w.uint32(10)
              DirectoryFrame.Entry.codec().encode(value, w)
            }
          }

          if (obj.removed != null && obj.removed.length > 0) {
            for (const value of obj.removed) {
              w.uint32(18)
              w.bytes(value)
            }
          }

          if ((obj.total != null && obj.total !== 0)) {
            w.uint32(24)
            w.uint32(obj.total)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            entries: [],
            removed: [],
            total: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                if (opts.limits?.entries != null && obj.entries.length === opts.limits.entries) {
                  throw new MaxLengthError('Decode error - repeated field "entries" had too many elements')
                }

                obj.entries.push(DirectoryFrame.Entry.codec().decode(reader, reader.uint32(), {
                  limits: opts.limits?.entries$
                }))
                break
              }
              case 2: {
                if (opts.limits?.removed != null && obj.removed.length === opts.limits.removed) {
                  throw new MaxLengthError('Decode error - repeated field "removed" had too many elements')
                }

                obj.removed.push(reader.bytes())
                break
              }
              case 3: {
                obj.total = reader.uint32()
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
            entries: 0,
            removed: 0
          }

          const end = length == null ? reader.len : reader.pos + length

          while (reader.pos < end) {
            const tag = reader.uint32()

            switch (tag >>> 3) {
              case 1: {
                if (opts.limits?.entries != null && obj.entries === opts.limits.entries) {
                  throw new MaxLengthError('Streaming decode error - repeated field "entries" had too many elements')
                }

                for (const evt of DirectoryFrame.Entry.codec().stream(reader, reader.uint32(), `${prefix}.entries[]`, {
                  limits: opts.limits?.entries$
                })) {
                  yield {
                    ...evt,
                    index: obj.entries
                  }
                }

                obj.entries++

                break
              }
              case 2: {
                if (opts.limits?.removed != null && obj.removed === opts.limits.removed) {
                  throw new MaxLengthError('Streaming decode error - repeated field "removed" had too many elements')
                }

                yield {
                  field: `${prefix}.removed[]`,
                  index: obj.removed,
                  value: reader.bytes()
                }

                obj.removed++

                break
              }
              case 3: {
                yield {
                  field: `${prefix}.total`,
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

    export interface ChangesEntriesEnvelopeFieldEvent {
      field: '$.entries[].envelope'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface ChangesEntriesAttachmentsDirectoryFieldEvent {
      field: '$.entries[].attachments[].directory'
      value: Uint8Array<ArrayBuffer>
      index: number
    }

    export interface ChangesEntriesAttachmentsForMsFieldEvent {
      field: '$.entries[].attachments[].forMs'
      value: bigint
      index: number
    }

    export interface ChangesRemovedFieldEvent {
      field: '$.removed[]'
      index: number
      value: Uint8Array<ArrayBuffer>
    }

    export interface ChangesTotalFieldEvent {
      field: '$.total'
      value: number
    }

    export function encode (obj: Partial<Changes>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Changes.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Changes>): Changes {
      return decodeMessage(buf, Changes.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Changes>): Generator<ChangesEntriesEnvelopeFieldEvent | ChangesEntriesAttachmentsDirectoryFieldEvent | ChangesEntriesAttachmentsForMsFieldEvent | ChangesRemovedFieldEvent | ChangesTotalFieldEvent> {
      return streamMessage(buf, Changes.codec(), opts)
    }
  }

  export interface Refuse {
    reason: string
    retryAfterMs: number
    newestEnvelope?: Uint8Array<ArrayBuffer>
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

          if (obj.newestEnvelope != null) {
            w.uint32(26)
            w.bytes(obj.newestEnvelope)
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
              case 3: {
                obj.newestEnvelope = reader.bytes()
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
              case 3: {
                yield {
                  field: `${prefix}.newestEnvelope`,
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

    export interface RefuseReasonFieldEvent {
      field: '$.reason'
      value: string
    }

    export interface RefuseRetryAfterMsFieldEvent {
      field: '$.retryAfterMs'
      value: number
    }

    export interface RefuseNewestEnvelopeFieldEvent {
      field: '$.newestEnvelope'
      value: Uint8Array<ArrayBuffer>
    }

    export function encode (obj: Partial<Refuse>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Refuse.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Refuse {
      return decodeMessage(buf, Refuse.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Generator<RefuseReasonFieldEvent | RefuseRetryAfterMsFieldEvent | RefuseNewestEnvelopeFieldEvent> {
      return streamMessage(buf, Refuse.codec(), opts)
    }
  }

  export interface Found {
    peer: Uint8Array<ArrayBuffer>
    newestEnvelope?: Uint8Array<ArrayBuffer>
    showing: boolean
    statements: Uint8Array<ArrayBuffer>[]
    fellows: Uint8Array<ArrayBuffer>[]
    epoch?: bigint
  }

  export namespace Found {
    let _codec: Codec<Found>

    export const codec = (): Codec<Found> => {
      if (_codec == null) {
        _codec = message<Found>((obj, w, opts = {}) => {
          if (opts.lengthDelimited !== false) {
            w.fork()
          }

          if ((obj.peer != null && obj.peer.byteLength > 0)) {
            w.uint32(10)
            w.bytes(obj.peer)
          }

          if (obj.newestEnvelope != null) {
            w.uint32(18)
            w.bytes(obj.newestEnvelope)
          }

          if ((obj.showing != null && obj.showing !== false)) {
            w.uint32(24)
            w.bool(obj.showing)
          }

          if (obj.statements != null && obj.statements.length > 0) {
            for (const value of obj.statements) {
              w.uint32(34)
              w.bytes(value)
            }
          }

          if (obj.fellows != null && obj.fellows.length > 0) {
            for (const value of obj.fellows) {
              w.uint32(42)
              w.bytes(value)
            }
          }

          if (obj.epoch != null) {
            w.uint32(48)
            w.uint64(obj.epoch)
          }

          if (opts.lengthDelimited !== false) {
            w.ldelim()
          }
        }, (reader, length, opts = {}) => {
          const obj: any = {
            peer: uint8ArrayAlloc(0),
            showing: false,
            statements: [],
            fellows: []
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
                obj.newestEnvelope = reader.bytes()
                break
              }
              case 3: {
                obj.showing = reader.bool()
                break
              }
              case 4: {
                if (opts.limits?.statements != null && obj.statements.length === opts.limits.statements) {
                  throw new MaxLengthError('Decode error - repeated field "statements" had too many elements')
                }

                obj.statements.push(reader.bytes())
                break
              }
              case 5: {
                if (opts.limits?.fellows != null && obj.fellows.length === opts.limits.fellows) {
                  throw new MaxLengthError('Decode error - repeated field "fellows" had too many elements')
                }

                obj.fellows.push(reader.bytes())
                break
              }
              case 6: {
                obj.epoch = reader.uint64()
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
            statements: 0,
            fellows: 0
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
                yield {
                  field: `${prefix}.newestEnvelope`,
                  value: reader.bytes()
                }
                break
              }
              case 3: {
                yield {
                  field: `${prefix}.showing`,
                  value: reader.bool()
                }
                break
              }
              case 4: {
                if (opts.limits?.statements != null && obj.statements === opts.limits.statements) {
                  throw new MaxLengthError('Streaming decode error - repeated field "statements" had too many elements')
                }

                yield {
                  field: `${prefix}.statements[]`,
                  index: obj.statements,
                  value: reader.bytes()
                }

                obj.statements++

                break
              }
              case 5: {
                if (opts.limits?.fellows != null && obj.fellows === opts.limits.fellows) {
                  throw new MaxLengthError('Streaming decode error - repeated field "fellows" had too many elements')
                }

                yield {
                  field: `${prefix}.fellows[]`,
                  index: obj.fellows,
                  value: reader.bytes()
                }

                obj.fellows++

                break
              }
              case 6: {
                yield {
                  field: `${prefix}.epoch`,
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

    export interface FoundPeerFieldEvent {
      field: '$.peer'
      value: Uint8Array<ArrayBuffer>
    }

    export interface FoundNewestEnvelopeFieldEvent {
      field: '$.newestEnvelope'
      value: Uint8Array<ArrayBuffer>
    }

    export interface FoundShowingFieldEvent {
      field: '$.showing'
      value: boolean
    }

    export interface FoundStatementsFieldEvent {
      field: '$.statements[]'
      index: number
      value: Uint8Array<ArrayBuffer>
    }

    export interface FoundFellowsFieldEvent {
      field: '$.fellows[]'
      index: number
      value: Uint8Array<ArrayBuffer>
    }

    export interface FoundEpochFieldEvent {
      field: '$.epoch'
      value: bigint
    }

    export function encode (obj: Partial<Found>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Found.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Found>): Found {
      return decodeMessage(buf, Found.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Found>): Generator<FoundPeerFieldEvent | FoundNewestEnvelopeFieldEvent | FoundShowingFieldEvent | FoundStatementsFieldEvent | FoundFellowsFieldEvent | FoundEpochFieldEvent> {
      return streamMessage(buf, Found.codec(), opts)
    }
  }

  let _codec: Codec<DirectoryFrame>

  export const codec = (): Codec<DirectoryFrame> => {
    if (_codec == null) {
      _codec = message<DirectoryFrame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.found != null) {
          obj.refuse = undefined
          obj.changes = undefined
          obj.snapshot = undefined
          obj.welcome = undefined
        }

        if (obj.refuse != null) {
          obj.found = undefined
          obj.changes = undefined
          obj.snapshot = undefined
          obj.welcome = undefined
        }

        if (obj.changes != null) {
          obj.found = undefined
          obj.refuse = undefined
          obj.snapshot = undefined
          obj.welcome = undefined
        }

        if (obj.snapshot != null) {
          obj.found = undefined
          obj.refuse = undefined
          obj.changes = undefined
          obj.welcome = undefined
        }

        if (obj.welcome != null) {
          obj.found = undefined
          obj.refuse = undefined
          obj.changes = undefined
          obj.snapshot = undefined
        }

        if (obj.welcome != null) {
          w.uint32(10)
          DirectoryFrame.Welcome.codec().encode(obj.welcome, w)
        }

        if (obj.snapshot != null) {
          w.uint32(18)
          DirectoryFrame.Snapshot.codec().encode(obj.snapshot, w)
        }

        if (obj.changes != null) {
          w.uint32(26)
          DirectoryFrame.Changes.codec().encode(obj.changes, w)
        }

        if (obj.refuse != null) {
          w.uint32(34)
          DirectoryFrame.Refuse.codec().encode(obj.refuse, w)
        }

        if (obj.found != null) {
          w.uint32(42)
          DirectoryFrame.Found.codec().encode(obj.found, w)
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
              obj.welcome = DirectoryFrame.Welcome.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.welcome
              })
              break
            }
            case 2: {
              obj.snapshot = DirectoryFrame.Snapshot.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.snapshot
              })
              break
            }
            case 3: {
              obj.changes = DirectoryFrame.Changes.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.changes
              })
              break
            }
            case 4: {
              obj.refuse = DirectoryFrame.Refuse.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.refuse
              })
              break
            }
            case 5: {
              obj.found = DirectoryFrame.Found.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.found
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.found != null) {
          delete obj.refuse
          delete obj.changes
          delete obj.snapshot
          delete obj.welcome
        }

        if (obj.refuse != null) {
          delete obj.found
          delete obj.changes
          delete obj.snapshot
          delete obj.welcome
        }

        if (obj.changes != null) {
          delete obj.found
          delete obj.refuse
          delete obj.snapshot
          delete obj.welcome
        }

        if (obj.snapshot != null) {
          delete obj.found
          delete obj.refuse
          delete obj.changes
          delete obj.welcome
        }

        if (obj.welcome != null) {
          delete obj.found
          delete obj.refuse
          delete obj.changes
          delete obj.snapshot
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * DirectoryFrame.Welcome.codec().stream(reader, reader.uint32(), `${prefix}.welcome`, {
                limits: opts.limits?.welcome
              })

              break
            }
            case 2: {
              yield * DirectoryFrame.Snapshot.codec().stream(reader, reader.uint32(), `${prefix}.snapshot`, {
                limits: opts.limits?.snapshot
              })

              break
            }
            case 3: {
              yield * DirectoryFrame.Changes.codec().stream(reader, reader.uint32(), `${prefix}.changes`, {
                limits: opts.limits?.changes
              })

              break
            }
            case 4: {
              yield * DirectoryFrame.Refuse.codec().stream(reader, reader.uint32(), `${prefix}.refuse`, {
                limits: opts.limits?.refuse
              })

              break
            }
            case 5: {
              yield * DirectoryFrame.Found.codec().stream(reader, reader.uint32(), `${prefix}.found`, {
                limits: opts.limits?.found
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

  export interface DirectoryFrameWelcomeNetworkFieldEvent {
    field: '$.welcome.network'
    value: string
  }

  export interface DirectoryFrameWelcomeLeaseMsFieldEvent {
    field: '$.welcome.leaseMs'
    value: number
  }

  export interface DirectoryFrameWelcomeRefreshAfterMsFieldEvent {
    field: '$.welcome.refreshAfterMs'
    value: number
  }

  export interface DirectoryFrameWelcomeAcceptedSeqFieldEvent {
    field: '$.welcome.acceptedSeq'
    value: bigint
  }

  export interface DirectoryFrameSnapshotEntriesEnvelopeFieldEvent {
    field: '$.snapshot.entries[].envelope'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface DirectoryFrameSnapshotEntriesAttachmentsDirectoryFieldEvent {
    field: '$.snapshot.entries[].attachments[].directory'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface DirectoryFrameSnapshotEntriesAttachmentsForMsFieldEvent {
    field: '$.snapshot.entries[].attachments[].forMs'
    value: bigint
    index: number
  }

  export interface DirectoryFrameSnapshotTotalFieldEvent {
    field: '$.snapshot.total'
    value: number
  }

  export interface DirectoryFrameSnapshotLastFieldEvent {
    field: '$.snapshot.last'
    value: boolean
  }

  export interface DirectoryFrameChangesEntriesEnvelopeFieldEvent {
    field: '$.changes.entries[].envelope'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface DirectoryFrameChangesEntriesAttachmentsDirectoryFieldEvent {
    field: '$.changes.entries[].attachments[].directory'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface DirectoryFrameChangesEntriesAttachmentsForMsFieldEvent {
    field: '$.changes.entries[].attachments[].forMs'
    value: bigint
    index: number
  }

  export interface DirectoryFrameChangesRemovedFieldEvent {
    field: '$.changes.removed[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface DirectoryFrameChangesTotalFieldEvent {
    field: '$.changes.total'
    value: number
  }

  export interface DirectoryFrameRefuseReasonFieldEvent {
    field: '$.refuse.reason'
    value: string
  }

  export interface DirectoryFrameRefuseRetryAfterMsFieldEvent {
    field: '$.refuse.retryAfterMs'
    value: number
  }

  export interface DirectoryFrameRefuseNewestEnvelopeFieldEvent {
    field: '$.refuse.newestEnvelope'
    value: Uint8Array<ArrayBuffer>
  }

  export interface DirectoryFrameFoundPeerFieldEvent {
    field: '$.found.peer'
    value: Uint8Array<ArrayBuffer>
  }

  export interface DirectoryFrameFoundNewestEnvelopeFieldEvent {
    field: '$.found.newestEnvelope'
    value: Uint8Array<ArrayBuffer>
  }

  export interface DirectoryFrameFoundShowingFieldEvent {
    field: '$.found.showing'
    value: boolean
  }

  export interface DirectoryFrameFoundStatementsFieldEvent {
    field: '$.found.statements[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface DirectoryFrameFoundFellowsFieldEvent {
    field: '$.found.fellows[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface DirectoryFrameFoundEpochFieldEvent {
    field: '$.found.epoch'
    value: bigint
  }

  export function encode (obj: Partial<DirectoryFrame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, DirectoryFrame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DirectoryFrame>): DirectoryFrame {
    return decodeMessage(buf, DirectoryFrame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<DirectoryFrame>): Generator<DirectoryFrameWelcomeNetworkFieldEvent | DirectoryFrameWelcomeLeaseMsFieldEvent | DirectoryFrameWelcomeRefreshAfterMsFieldEvent | DirectoryFrameWelcomeAcceptedSeqFieldEvent | DirectoryFrameSnapshotEntriesEnvelopeFieldEvent | DirectoryFrameSnapshotEntriesAttachmentsDirectoryFieldEvent | DirectoryFrameSnapshotEntriesAttachmentsForMsFieldEvent | DirectoryFrameSnapshotTotalFieldEvent | DirectoryFrameSnapshotLastFieldEvent | DirectoryFrameChangesEntriesEnvelopeFieldEvent | DirectoryFrameChangesEntriesAttachmentsDirectoryFieldEvent | DirectoryFrameChangesEntriesAttachmentsForMsFieldEvent | DirectoryFrameChangesRemovedFieldEvent | DirectoryFrameChangesTotalFieldEvent | DirectoryFrameRefuseReasonFieldEvent | DirectoryFrameRefuseRetryAfterMsFieldEvent | DirectoryFrameRefuseNewestEnvelopeFieldEvent | DirectoryFrameFoundPeerFieldEvent | DirectoryFrameFoundNewestEnvelopeFieldEvent | DirectoryFrameFoundShowingFieldEvent | DirectoryFrameFoundStatementsFieldEvent | DirectoryFrameFoundFellowsFieldEvent | DirectoryFrameFoundEpochFieldEvent> {
    return streamMessage(buf, DirectoryFrame.codec(), opts)
  }
}
