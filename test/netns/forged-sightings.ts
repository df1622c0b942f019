// A program for a host of the test LAN: claims by mDNS that made-up peers are at
// the given addresses, again and again, until it is killed, and prints a line for each hundred. Arguments: the
// service tag, the peers (comma), the multiaddrs without a peer ID (comma).
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const [tag = '', peers = '', addresses = ''] = process.argv.slice(2)
const everyMs = 10
const socket = createSocket({ type: 'udp4', reuseAddr: true })
// From another port it would not be heard.
socket.bind(5353)
await once(socket, 'listening')

function name(labels: string): Buffer {
  const parts = labels.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  return Buffer.concat([...parts, Buffer.from([0])])
}

function record(of: string, type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(10)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(1, 2)
  head.writeUInt32BE(120, 4)
  head.writeUInt16BE(body.byteLength, 8)
  return Buffer.concat([name(of), head, body])
}

function response(peer: string): Buffer {
  const texts = addresses.split(',').map((address) => `dnsaddr=${address}/p2p/${peer}`)
  const records = [
    record(tag, 12, name(`forged.${tag}`)),
    ...texts.map((text) => record('f', 16, Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])))
  ]
  return Buffer.concat([Buffer.from([0, 0, 0x84, 0, 0, 0, 0, records.length, 0, 0, 0, 0]), ...records])
}

const responses = peers.split(',').map(response)
let next = 0
setInterval(() => {
  socket.send(responses[next++ % responses.length] ?? '', 5353, '224.0.0.251')
  if (next % 100 === 0) process.stdout.write('a hundred sent\n')
}, everyMs)
