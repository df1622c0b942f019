// A program for a host of the test LAN: listens on the ports that it is given
// and prints a line for each connection. Arguments: the address, the ports.
import { createServer } from 'node:net'

const [host, ...ports] = process.argv.slice(2)
for (const port of ports) {
  createServer((socket) => {
    process.stdout.write('connection\n')
    socket.destroy()
  }).listen({ host, port: Number(port) }, () => process.stdout.write('listening\n'))
}
