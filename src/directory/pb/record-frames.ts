// Generated from record-frames.proto by `npm run proto`: change that, not this.
// @ts-nocheck (what protons writes does not hold under exactOptionalPropertyTypes)
import { decodeMessage, encodeMessage, message, streamMessage } from '../../wire/protons-runtime.ts'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from '../../wire/protons-runtime.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface RecordFrame {
  record?: RecordFrame.Record
  withdraw?: RecordFrame.Withdraw
}

export namespace RecordFrame {
  export interface Record {
    envelope: Uint8Array<ArrayBuffer>
  }

  export namespace Record {
    let _codec: Codec<Record>

    export const codec = (): Codec<Record> => {
      if (_codec == null) {
        _codec = message<Record>((obj, w, opts = {}) => {
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

    export interface RecordEnvelopeFieldEvent {
      field: '$.envelope'
      value: Uint8Array<ArrayBuffer>
    }

    export function encode (obj: Partial<Record>): Uint8Array<ArrayBuffer> {
      return encodeMessage(obj, Record.codec())
    }

    export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Record>): Record {
      return decodeMessage(buf, Record.codec(), opts)
    }

    export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Record>): Generator<RecordEnvelopeFieldEvent> {
      return streamMessage(buf, Record.codec(), opts)
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

  let _codec: Codec<RecordFrame>

  export const codec = (): Codec<RecordFrame> => {
    if (_codec == null) {
      _codec = message<RecordFrame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        obj = { ...obj }

        if (obj.withdraw != null) {
          obj.record = undefined
        }

        if (obj.record != null) {
          obj.withdraw = undefined
        }

        if (obj.record != null) {
          w.uint32(10)
          RecordFrame.Record.codec().encode(obj.record, w)
        }

        if (obj.withdraw != null) {
          w.uint32(18)
          RecordFrame.Withdraw.codec().encode(obj.withdraw, w)
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
              obj.record = RecordFrame.Record.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.record
              })
              break
            }
            case 2: {
              obj.withdraw = RecordFrame.Withdraw.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.withdraw
              })
              break
            }
            default: {
              reader.skipType(tag & 7)
              break
            }
          }
        }

        if (obj.withdraw != null) {
          delete obj.record
        }

        if (obj.record != null) {
          delete obj.withdraw
        }

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * RecordFrame.Record.codec().stream(reader, reader.uint32(), `${prefix}.record`, {
                limits: opts.limits?.record
              })

              break
            }
            case 2: {
              yield * RecordFrame.Withdraw.codec().stream(reader, reader.uint32(), `${prefix}.withdraw`, {
                limits: opts.limits?.withdraw
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

  export interface RecordFrameRecordEnvelopeFieldEvent {
    field: '$.record.envelope'
    value: Uint8Array<ArrayBuffer>
  }

  export interface RecordFrameWithdrawEnvelopeFieldEvent {
    field: '$.withdraw.envelope'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<RecordFrame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, RecordFrame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RecordFrame>): RecordFrame {
    return decodeMessage(buf, RecordFrame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RecordFrame>): Generator<RecordFrameRecordEnvelopeFieldEvent | RecordFrameWithdrawEnvelopeFieldEvent> {
    return streamMessage(buf, RecordFrame.codec(), opts)
  }
}
