// The frames of /chat/record/1.0.0 as a closed union. Knows bytes, and neither
// what an envelope holds nor who may send it.
import type { FrameCodec } from '../wire/index.ts'
import { RecordFrame as Pb } from './pb/record-frames.ts'

export type RecordFrame =
  | { readonly type: 'record'; readonly envelope: Uint8Array }
  /** The envelope holds the record with which its owner leaves. */
  | { readonly type: 'withdraw'; readonly envelope: Uint8Array }

/** Decodes to undefined what a later version may send; throws on what is no protobuf. */
export const recordFrameCodec: FrameCodec<RecordFrame, RecordFrame> = {
  encode(frame) {
    const envelope = new Uint8Array(frame.envelope)
    switch (frame.type) {
      case 'record':
        return Pb.encode({ record: { envelope } })
      case 'withdraw':
        return Pb.encode({ withdraw: { envelope } })
    }
  },

  decode(bytes) {
    const { record, withdraw } = Pb.decode(bytes)
    if (record !== undefined) return { type: 'record', envelope: record.envelope }
    if (withdraw !== undefined) return { type: 'withdraw', envelope: withdraw.envelope }
    return undefined
  }
}
