/** What anybody may send to the WebSocket of a directory, and a web server to a peer, before there is a key. */
import { readHttpHead } from '../../../src/transport/websocket/http-head.ts'
import {
  answerUpgrade,
  checkUpgradeResponse,
  upgradeRequest,
  WebSocketRefusedError
} from '../../../src/transport/websocket/upgrade.ts'
import { webSocketAddress, webSocketPlaceOf, webSocketUrl } from '../../../src/transport/websocket/websocket-address.ts'
import { closeFrame, FrameReader, maskedMessage, pongFrame } from '../../../src/transport/websocket/websocket-frames.ts'
import { MisbehaviourError } from '../../../src/wire/index.ts'
import { promise, same, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const key = 'dGhlIHNhbXBsZSBub25jZQ=='
const { bytes: request } = upgradeRequest({ host: 'a.example', port: 443, isSecure: true, path: '/' }, key)
const accepted = answerUpgradeOf(request)

function answerUpgradeOf(text: string): string {
  const reading = readHttpHead(Buffer.from(text, 'latin1'))
  return reading.is === 'complete' ? answerUpgrade(reading.head).response : ''
}

function someFrames(reader: InputReader): Uint8Array {
  const frames = Array.from({ length: 1 + reader.below(4) }, () => {
    if (reader.flag()) return maskedMessage(reader.bytes(reader.below(300)))
    return reader.flag() ? pongFrame(reader.bytes(reader.below(126)), true) : closeFrame(true)
  })
  return Buffer.concat([...frames, reader.bytes(reader.below(16))])
}

function someUrl(reader: InputReader): Uint8Array {
  const start = reader.oneOf(['wss://a.example/', 'ws://[::1]:8081/', 'wss://11.22.33.44'])
  return Buffer.concat([Buffer.from(start), reader.bytes(reader.below(32))])
}

const heads: FuzzTarget = {
  name: 'websocket-heads',
  reaches: 'the first bytes to the WebSocket of a directory, and the first from a web server',
  seeds: () => [asIs(Buffer.from(request)), asIs(Buffer.from(accepted)), choices(1, 2, 3)],
  run(input) {
    const bytes = bytesOf(input, (reader) => Buffer.concat([Buffer.from(request), reader.bytes(reader.below(64))]))
    const reading = readHttpHead(bytes)
    if (reading.is !== 'complete') return
    promise(reading.byteLength <= bytes.byteLength, 'a head is no longer than what has come')
    const answer = answerUpgrade(reading.head)
    promise(answer.response.startsWith('HTTP/1.1 ') && answer.response.includes('\r\n\r\n'), 'each request is answered')
    try {
      checkUpgradeResponse(reading.head, key)
    } catch (error) {
      if (!(error instanceof WebSocketRefusedError)) throw error
    }
  }
}

const frames: FuzzTarget = {
  name: 'websocket-frames',
  reaches: 'what follows the opening handshake of a WebSocket, on either side',
  seeds: () => [
    asIs(maskedMessage(Buffer.from('noise'))),
    asIs(closeFrame(true)),
    asIs(pongFrame(Buffer.from('1'), false)),
    choices(1, 2, 3)
  ],
  run(input) {
    const bytes = Uint8Array.from(bytesOf(input, someFrames))
    for (const isMasked of [true, false]) {
      const whole = outcomeOf([bytes], isMasked)
      const middle = Math.floor(bytes.byteLength / 2)
      same(
        outcomeOf([bytes.subarray(0, middle), bytes.subarray(middle)], isMasked),
        whole,
        'frames, however they are cut'
      )
    }
  }
}

/** All payload as hexadecimal digits, or the breach. */
function outcomeOf(pieces: readonly Uint8Array[], isMasked: boolean): string {
  const reader = new FrameReader({ isMasked, nowMs: 0 })
  try {
    return pieces.map((piece) => Buffer.from(reader.read(Uint8Array.from(piece), 0).payload).toString('hex')).join('')
  } catch (error) {
    if (error instanceof MisbehaviourError) return error.breach
    throw error
  }
}

const addresses: FuzzTarget = {
  name: 'websocket-urls',
  reaches: 'what a user types for a directory',
  seeds: () =>
    ['wss://a.example', 'ws://[::1]:8081/path', 'wss://a.example/a%20b'].map((text) => asIs(Buffer.from(text))),
  run(input) {
    const address = webSocketAddress(Buffer.from(bytesOf(input, someUrl)).toString('utf8'))
    const place = address === undefined ? undefined : webSocketPlaceOf(address)
    if (place === undefined) return
    const url = webSocketUrl(place)
    same(webSocketAddress(url)?.toString(), address?.toString(), 'a URL, there and back')
  }
}

export const targets: readonly FuzzTarget[] = [heads, frames, addresses]
