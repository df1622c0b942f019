// Generated from frames.proto by `npm run proto`: change that, not this.
// @ts-nocheck (what protons writes does not hold under exactOptionalPropertyTypes)
/* eslint-disable require-yield */

import { decodeMessage, encodeMessage, MaxLengthError, message, streamMessage } from '../../wire/protons-runtime.ts'
import { alloc as uint8ArrayAlloc } from 'uint8arrays/alloc'
import type { Codec, DecodeOptions } from '../../wire/protons-runtime.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface Frame {
  hello?: Hello
  enter?: Enter
  message?: Message
  receipt?: Receipt
  typing?: Typing
  bye?: Bye
  refuse?: Refuse
}

export namespace Frame {
  let _codec: Codec<Frame>

  export const codec = (): Codec<Frame> => {
    if (_codec == null) {
      _codec = message<Frame>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if (obj.hello != null) {
          w.uint32(10)
          Hello.codec().encode(obj.hello, w)
        }

        if (obj.enter != null) {
          w.uint32(18)
          Enter.codec().encode(obj.enter, w)
        }

        if (obj.message != null) {
          w.uint32(26)
          Message.codec().encode(obj.message, w)
        }

        if (obj.receipt != null) {
          w.uint32(34)
          Receipt.codec().encode(obj.receipt, w)
        }

        if (obj.typing != null) {
          w.uint32(42)
          Typing.codec().encode(obj.typing, w)
        }

        if (obj.bye != null) {
          w.uint32(50)
          Bye.codec().encode(obj.bye, w)
        }

        if (obj.refuse != null) {
          w.uint32(58)
          Refuse.codec().encode(obj.refuse, w)
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
              obj.hello = Hello.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.hello
              })
              break
            }
            case 2: {
              obj.enter = Enter.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.enter
              })
              break
            }
            case 3: {
              obj.message = Message.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.message
              })
              break
            }
            case 4: {
              obj.receipt = Receipt.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.receipt
              })
              break
            }
            case 5: {
              obj.typing = Typing.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.typing
              })
              break
            }
            case 6: {
              obj.bye = Bye.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.bye
              })
              break
            }
            case 7: {
              obj.refuse = Refuse.codec().decode(reader, reader.uint32(), {
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

        return obj
      }, function * (reader, length, prefix, opts = {}) {
        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield * Hello.codec().stream(reader, reader.uint32(), `${prefix}.hello`, {
                limits: opts.limits?.hello
              })

              break
            }
            case 2: {
              yield * Enter.codec().stream(reader, reader.uint32(), `${prefix}.enter`, {
                limits: opts.limits?.enter
              })

              break
            }
            case 3: {
              yield * Message.codec().stream(reader, reader.uint32(), `${prefix}.message`, {
                limits: opts.limits?.message
              })

              break
            }
            case 4: {
              yield * Receipt.codec().stream(reader, reader.uint32(), `${prefix}.receipt`, {
                limits: opts.limits?.receipt
              })

              break
            }
            case 5: {
              yield * Typing.codec().stream(reader, reader.uint32(), `${prefix}.typing`, {
                limits: opts.limits?.typing
              })

              break
            }
            case 6: {
              yield * Bye.codec().stream(reader, reader.uint32(), `${prefix}.bye`, {
                limits: opts.limits?.bye
              })

              break
            }
            case 7: {
              yield * Refuse.codec().stream(reader, reader.uint32(), `${prefix}.refuse`, {
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

  export interface FrameHelloMarkerFieldEvent {
    field: '$.hello.marker'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameHelloLogFieldEvent {
    field: '$.hello.log'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameHelloHeldLogFieldEvent {
    field: '$.hello.heldLog'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameHelloHeldSeqFieldEvent {
    field: '$.hello.heldSeq'
    value: bigint
  }

  export interface FrameMessageIdFieldEvent {
    field: '$.message.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameMessageLogFieldEvent {
    field: '$.message.log'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameMessageSeqFieldEvent {
    field: '$.message.seq'
    value: bigint
  }

  export interface FrameMessageSentAtMsFieldEvent {
    field: '$.message.sentAtMs'
    value: bigint
  }

  export interface FrameMessageTextFieldEvent {
    field: '$.message.text'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameMessageReplyToFieldEvent {
    field: '$.message.replyTo'
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameReceiptStateFieldEvent {
    field: '$.receipt.state'
    value: number
  }

  export interface FrameReceiptIdsFieldEvent {
    field: '$.receipt.ids[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface FrameReceiptRangesLogFieldEvent {
    field: '$.receipt.ranges[].log'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface FrameReceiptRangesFirstFieldEvent {
    field: '$.receipt.ranges[].first'
    value: bigint
    index: number
  }

  export interface FrameReceiptRangesLastFieldEvent {
    field: '$.receipt.ranges[].last'
    value: bigint
    index: number
  }

  export interface FrameByeReasonFieldEvent {
    field: '$.bye.reason'
    value: number
  }

  export interface FrameRefuseReasonFieldEvent {
    field: '$.refuse.reason'
    value: number
  }

  export interface FrameRefuseRetryAfterMsFieldEvent {
    field: '$.refuse.retryAfterMs'
    value: bigint
  }

  export interface FrameRefuseIdsFieldEvent {
    field: '$.refuse.ids[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Frame>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Frame.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Frame>): Frame {
    return decodeMessage(buf, Frame.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Frame>): Generator<FrameHelloMarkerFieldEvent | FrameHelloLogFieldEvent | FrameHelloHeldLogFieldEvent | FrameHelloHeldSeqFieldEvent | FrameMessageIdFieldEvent | FrameMessageLogFieldEvent | FrameMessageSeqFieldEvent | FrameMessageSentAtMsFieldEvent | FrameMessageTextFieldEvent | FrameMessageReplyToFieldEvent | FrameReceiptStateFieldEvent | FrameReceiptIdsFieldEvent | FrameReceiptRangesLogFieldEvent | FrameReceiptRangesFirstFieldEvent | FrameReceiptRangesLastFieldEvent | FrameByeReasonFieldEvent | FrameRefuseReasonFieldEvent | FrameRefuseRetryAfterMsFieldEvent | FrameRefuseIdsFieldEvent> {
    return streamMessage(buf, Frame.codec(), opts)
  }
}

export interface Hello {
  marker: Uint8Array<ArrayBuffer>
  log: Uint8Array<ArrayBuffer>
  heldLog?: Uint8Array<ArrayBuffer>
  heldSeq?: bigint
}

export namespace Hello {
  let _codec: Codec<Hello>

  export const codec = (): Codec<Hello> => {
    if (_codec == null) {
      _codec = message<Hello>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.marker != null && obj.marker.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.marker)
        }

        if ((obj.log != null && obj.log.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.log)
        }

        if (obj.heldLog != null) {
          w.uint32(26)
          w.bytes(obj.heldLog)
        }

        if (obj.heldSeq != null) {
          w.uint32(32)
          w.uint64(obj.heldSeq)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          marker: uint8ArrayAlloc(0),
          log: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.marker = reader.bytes()
              break
            }
            case 2: {
              obj.log = reader.bytes()
              break
            }
            case 3: {
              obj.heldLog = reader.bytes()
              break
            }
            case 4: {
              obj.heldSeq = reader.uint64()
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
                field: `${prefix}.marker`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.log`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.heldLog`,
                value: reader.bytes()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.heldSeq`,
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

  export interface HelloMarkerFieldEvent {
    field: '$.marker'
    value: Uint8Array<ArrayBuffer>
  }

  export interface HelloLogFieldEvent {
    field: '$.log'
    value: Uint8Array<ArrayBuffer>
  }

  export interface HelloHeldLogFieldEvent {
    field: '$.heldLog'
    value: Uint8Array<ArrayBuffer>
  }

  export interface HelloHeldSeqFieldEvent {
    field: '$.heldSeq'
    value: bigint
  }

  export function encode (obj: Partial<Hello>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Hello.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Hello {
    return decodeMessage(buf, Hello.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Hello>): Generator<HelloMarkerFieldEvent | HelloLogFieldEvent | HelloHeldLogFieldEvent | HelloHeldSeqFieldEvent> {
    return streamMessage(buf, Hello.codec(), opts)
  }
}

export interface Enter {}

export namespace Enter {
  let _codec: Codec<Enter>

  export const codec = (): Codec<Enter> => {
    if (_codec == null) {
      _codec = message<Enter>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
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

  export function encode (obj: Partial<Enter>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Enter.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Enter>): Enter {
    return decodeMessage(buf, Enter.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Enter>): Generator<{}> {
    return streamMessage(buf, Enter.codec(), opts)
  }
}

export interface Message {
  id: Uint8Array<ArrayBuffer>
  log: Uint8Array<ArrayBuffer>
  seq: bigint
  sentAtMs: bigint
  text: Uint8Array<ArrayBuffer>
  replyTo?: Uint8Array<ArrayBuffer>
}

export namespace Message {
  let _codec: Codec<Message>

  export const codec = (): Codec<Message> => {
    if (_codec == null) {
      _codec = message<Message>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.id != null && obj.id.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.id)
        }

        if ((obj.log != null && obj.log.byteLength > 0)) {
          w.uint32(18)
          w.bytes(obj.log)
        }

        if ((obj.seq != null && obj.seq !== 0n)) {
          w.uint32(24)
          w.uint64(obj.seq)
        }

        if ((obj.sentAtMs != null && obj.sentAtMs !== 0n)) {
          w.uint32(32)
          w.uint64(obj.sentAtMs)
        }

        if ((obj.text != null && obj.text.byteLength > 0)) {
          w.uint32(42)
          w.bytes(obj.text)
        }

        if (obj.replyTo != null) {
          w.uint32(50)
          w.bytes(obj.replyTo)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          id: uint8ArrayAlloc(0),
          log: uint8ArrayAlloc(0),
          seq: 0n,
          sentAtMs: 0n,
          text: uint8ArrayAlloc(0)
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.id = reader.bytes()
              break
            }
            case 2: {
              obj.log = reader.bytes()
              break
            }
            case 3: {
              obj.seq = reader.uint64()
              break
            }
            case 4: {
              obj.sentAtMs = reader.uint64()
              break
            }
            case 5: {
              obj.text = reader.bytes()
              break
            }
            case 6: {
              obj.replyTo = reader.bytes()
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
                field: `${prefix}.id`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.log`,
                value: reader.bytes()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.seq`,
                value: reader.uint64()
              }
              break
            }
            case 4: {
              yield {
                field: `${prefix}.sentAtMs`,
                value: reader.uint64()
              }
              break
            }
            case 5: {
              yield {
                field: `${prefix}.text`,
                value: reader.bytes()
              }
              break
            }
            case 6: {
              yield {
                field: `${prefix}.replyTo`,
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

  export interface MessageIdFieldEvent {
    field: '$.id'
    value: Uint8Array<ArrayBuffer>
  }

  export interface MessageLogFieldEvent {
    field: '$.log'
    value: Uint8Array<ArrayBuffer>
  }

  export interface MessageSeqFieldEvent {
    field: '$.seq'
    value: bigint
  }

  export interface MessageSentAtMsFieldEvent {
    field: '$.sentAtMs'
    value: bigint
  }

  export interface MessageTextFieldEvent {
    field: '$.text'
    value: Uint8Array<ArrayBuffer>
  }

  export interface MessageReplyToFieldEvent {
    field: '$.replyTo'
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Message>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Message.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Message>): Message {
    return decodeMessage(buf, Message.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Message>): Generator<MessageIdFieldEvent | MessageLogFieldEvent | MessageSeqFieldEvent | MessageSentAtMsFieldEvent | MessageTextFieldEvent | MessageReplyToFieldEvent> {
    return streamMessage(buf, Message.codec(), opts)
  }
}

export interface Receipt {
  state: number
  ids: Uint8Array<ArrayBuffer>[]
  ranges: Range[]
}

export namespace Receipt {
  let _codec: Codec<Receipt>

  export const codec = (): Codec<Receipt> => {
    if (_codec == null) {
      _codec = message<Receipt>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.state != null && obj.state !== 0)) {
          w.uint32(8)
          w.uint32(obj.state)
        }

        if (obj.ids != null && obj.ids.length > 0) {
          for (const value of obj.ids) {
            w.uint32(18)
            w.bytes(value)
          }
        }

        if (obj.ranges != null && obj.ranges.length > 0) {
          for (const value of obj.ranges) {
            w.uint32(26)
            Range.codec().encode(value, w)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          state: 0,
          ids: [],
          ranges: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.state = reader.uint32()
              break
            }
            case 2: {
              if (opts.limits?.ids != null && obj.ids.length === opts.limits.ids) {
                throw new MaxLengthError('Decode error - repeated field "ids" had too many elements')
              }

              obj.ids.push(reader.bytes())
              break
            }
            case 3: {
              if (opts.limits?.ranges != null && obj.ranges.length === opts.limits.ranges) {
                throw new MaxLengthError('Decode error - repeated field "ranges" had too many elements')
              }

              obj.ranges.push(Range.codec().decode(reader, reader.uint32(), {
                limits: opts.limits?.ranges$
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
          ids: 0,
          ranges: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.state`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              if (opts.limits?.ids != null && obj.ids === opts.limits.ids) {
                throw new MaxLengthError('Streaming decode error - repeated field "ids" had too many elements')
              }

              yield {
                field: `${prefix}.ids[]`,
                index: obj.ids,
                value: reader.bytes()
              }

              obj.ids++

              break
            }
            case 3: {
              if (opts.limits?.ranges != null && obj.ranges === opts.limits.ranges) {
                throw new MaxLengthError('Streaming decode error - repeated field "ranges" had too many elements')
              }

              for (const evt of Range.codec().stream(reader, reader.uint32(), `${prefix}.ranges[]`, {
                limits: opts.limits?.ranges$
              })) {
                yield {
                  ...evt,
                  index: obj.ranges
                }
              }

              obj.ranges++

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

  export interface ReceiptStateFieldEvent {
    field: '$.state'
    value: number
  }

  export interface ReceiptIdsFieldEvent {
    field: '$.ids[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export interface ReceiptRangesLogFieldEvent {
    field: '$.ranges[].log'
    value: Uint8Array<ArrayBuffer>
    index: number
  }

  export interface ReceiptRangesFirstFieldEvent {
    field: '$.ranges[].first'
    value: bigint
    index: number
  }

  export interface ReceiptRangesLastFieldEvent {
    field: '$.ranges[].last'
    value: bigint
    index: number
  }

  export function encode (obj: Partial<Receipt>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Receipt.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Receipt>): Receipt {
    return decodeMessage(buf, Receipt.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Receipt>): Generator<ReceiptStateFieldEvent | ReceiptIdsFieldEvent | ReceiptRangesLogFieldEvent | ReceiptRangesFirstFieldEvent | ReceiptRangesLastFieldEvent> {
    return streamMessage(buf, Receipt.codec(), opts)
  }
}

export interface Range {
  log: Uint8Array<ArrayBuffer>
  first: bigint
  last: bigint
}

export namespace Range {
  let _codec: Codec<Range>

  export const codec = (): Codec<Range> => {
    if (_codec == null) {
      _codec = message<Range>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.log != null && obj.log.byteLength > 0)) {
          w.uint32(10)
          w.bytes(obj.log)
        }

        if ((obj.first != null && obj.first !== 0n)) {
          w.uint32(16)
          w.uint64(obj.first)
        }

        if ((obj.last != null && obj.last !== 0n)) {
          w.uint32(24)
          w.uint64(obj.last)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          log: uint8ArrayAlloc(0),
          first: 0n,
          last: 0n
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.log = reader.bytes()
              break
            }
            case 2: {
              obj.first = reader.uint64()
              break
            }
            case 3: {
              obj.last = reader.uint64()
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
                field: `${prefix}.log`,
                value: reader.bytes()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.first`,
                value: reader.uint64()
              }
              break
            }
            case 3: {
              yield {
                field: `${prefix}.last`,
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

  export interface RangeLogFieldEvent {
    field: '$.log'
    value: Uint8Array<ArrayBuffer>
  }

  export interface RangeFirstFieldEvent {
    field: '$.first'
    value: bigint
  }

  export interface RangeLastFieldEvent {
    field: '$.last'
    value: bigint
  }

  export function encode (obj: Partial<Range>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Range.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Range>): Range {
    return decodeMessage(buf, Range.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Range>): Generator<RangeLogFieldEvent | RangeFirstFieldEvent | RangeLastFieldEvent> {
    return streamMessage(buf, Range.codec(), opts)
  }
}

export interface Typing {}

export namespace Typing {
  let _codec: Codec<Typing>

  export const codec = (): Codec<Typing> => {
    if (_codec == null) {
      _codec = message<Typing>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
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

  export function encode (obj: Partial<Typing>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Typing.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Typing>): Typing {
    return decodeMessage(buf, Typing.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Typing>): Generator<{}> {
    return streamMessage(buf, Typing.codec(), opts)
  }
}

export interface Bye {
  reason: number
}

export namespace Bye {
  let _codec: Codec<Bye>

  export const codec = (): Codec<Bye> => {
    if (_codec == null) {
      _codec = message<Bye>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.reason != null && obj.reason !== 0)) {
          w.uint32(8)
          w.uint32(obj.reason)
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          reason: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.reason = reader.uint32()
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

  export interface ByeReasonFieldEvent {
    field: '$.reason'
    value: number
  }

  export function encode (obj: Partial<Bye>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Bye.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Bye>): Bye {
    return decodeMessage(buf, Bye.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Bye>): Generator<ByeReasonFieldEvent> {
    return streamMessage(buf, Bye.codec(), opts)
  }
}

export interface Refuse {
  reason: number
  retryAfterMs: bigint
  ids: Uint8Array<ArrayBuffer>[]
}

export namespace Refuse {
  let _codec: Codec<Refuse>

  export const codec = (): Codec<Refuse> => {
    if (_codec == null) {
      _codec = message<Refuse>((obj, w, opts = {}) => {
        if (opts.lengthDelimited !== false) {
          w.fork()
        }

        if ((obj.reason != null && obj.reason !== 0)) {
          w.uint32(8)
          w.uint32(obj.reason)
        }

        if ((obj.retryAfterMs != null && obj.retryAfterMs !== 0n)) {
          w.uint32(16)
          w.uint64(obj.retryAfterMs)
        }

        if (obj.ids != null && obj.ids.length > 0) {
          for (const value of obj.ids) {
            w.uint32(26)
            w.bytes(value)
          }
        }

        if (opts.lengthDelimited !== false) {
          w.ldelim()
        }
      }, (reader, length, opts = {}) => {
        const obj: any = {
          reason: 0,
          retryAfterMs: 0n,
          ids: []
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              obj.reason = reader.uint32()
              break
            }
            case 2: {
              obj.retryAfterMs = reader.uint64()
              break
            }
            case 3: {
              if (opts.limits?.ids != null && obj.ids.length === opts.limits.ids) {
                throw new MaxLengthError('Decode error - repeated field "ids" had too many elements')
              }

              obj.ids.push(reader.bytes())
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
          ids: 0
        }

        const end = length == null ? reader.len : reader.pos + length

        while (reader.pos < end) {
          const tag = reader.uint32()

          switch (tag >>> 3) {
            case 1: {
              yield {
                field: `${prefix}.reason`,
                value: reader.uint32()
              }
              break
            }
            case 2: {
              yield {
                field: `${prefix}.retryAfterMs`,
                value: reader.uint64()
              }
              break
            }
            case 3: {
              if (opts.limits?.ids != null && obj.ids === opts.limits.ids) {
                throw new MaxLengthError('Streaming decode error - repeated field "ids" had too many elements')
              }

              yield {
                field: `${prefix}.ids[]`,
                index: obj.ids,
                value: reader.bytes()
              }

              obj.ids++

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
    value: number
  }

  export interface RefuseRetryAfterMsFieldEvent {
    field: '$.retryAfterMs'
    value: bigint
  }

  export interface RefuseIdsFieldEvent {
    field: '$.ids[]'
    index: number
    value: Uint8Array<ArrayBuffer>
  }

  export function encode (obj: Partial<Refuse>): Uint8Array<ArrayBuffer> {
    return encodeMessage(obj, Refuse.codec())
  }

  export function decode (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Refuse {
    return decodeMessage(buf, Refuse.codec(), opts)
  }

  export function stream (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<Refuse>): Generator<RefuseReasonFieldEvent | RefuseRetryAfterMsFieldEvent | RefuseIdsFieldEvent> {
    return streamMessage(buf, Refuse.codec(), opts)
  }
}
