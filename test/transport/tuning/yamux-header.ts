/** A Yamux header by hand: version, type, flags, stream, length. */
export function header(type: number, flags: number, streamId: number, length: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(12))
  bytes.setUint8(1, type)
  bytes.setUint16(2, flags)
  bytes.setUint32(4, streamId)
  bytes.setUint32(8, length)
  return new Uint8Array(bytes.buffer)
}
