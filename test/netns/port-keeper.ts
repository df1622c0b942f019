// A program for a host of the test LAN: keeps the UDP port that it is given for
// itself, over IPv4 and IPv6, until it is killed. Argument: the port.
import { createSocket } from 'node:dgram'

const [port] = process.argv.slice(2)
// One socket for both: over IPv6 it takes what comes over IPv4 too.
createSocket({ type: 'udp6' }).bind(Number(port), () => process.stdout.write('kept\n'))
