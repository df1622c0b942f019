// A program for a host in a namespace: UDP sockets on the ports that it is given. A line
// on standard input, `PORT HOST PORT TEXT`, sends a datagram; it prints `sent TEXT`, and
// `got TEXT at PORT from HOST PORT` for each that arrives.
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { createInterface } from 'node:readline'

const sockets = new Map<string, Socket>()
let unbound = 0

for (const port of process.argv.slice(2)) {
  for (const type of ['udp4', 'udp6'] as const) {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' })
    sockets.set(`${type} ${port}`, socket)
    socket.on('message', (bytes, from) => {
      process.stdout.write(`got ${bytes.toString()} at ${port} from ${from.address} ${from.port}\n`)
    })
    unbound++
    socket.bind(Number(port), () => {
      unbound--
      if (unbound === 0) process.stdout.write('bound\n')
    })
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [from = '', host = '', port = '', text = ''] = line.split(' ')
  const socket = sockets.get(`${isIPv6(host) ? 'udp6' : 'udp4'} ${from}`)
  socket?.send(text, Number(port), host, () => process.stdout.write(`sent ${text}\n`))
})
