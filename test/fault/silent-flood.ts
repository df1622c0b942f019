// A process that floods a port with sockets that say nothing: `node silent-flood.ts
// HOST PORT COUNT FROM…` keeps COUNT of them open from each address, and opens
// those again that are closed, until it is killed. It prints a line when all
// have been open once.
import { connect } from 'node:net'

const [host = '', port = '', count = '', ...froms] = process.argv.slice(2)
let opened = 0

function open(from: string): void {
  const socket = connect({ host, port: Number(port), localAddress: from })
  socket.on('connect', () => {
    opened++
    if (opened === Number(count) * froms.length) console.log('flooded')
  })
  socket.on('error', () => undefined)
  socket.on('close', () => setImmediate(open, from))
}

for (const from of froms) for (let i = 0; i < Number(count); i++) open(from)
