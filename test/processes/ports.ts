// Ports of 127.0.0.1 for processes that must be told one before they listen.
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

/** The system gives out none of these by itself. */
const range = { first: 10_000, count: 20_000 }

/** Ports that are free now, and that no other test gets before this process ends. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>()
  while (found.size < count) {
    const port = range.first + Math.floor(Math.random() * range.count)
    if (!found.has(port) && (await reserve(port)) && (await isFree(port))) found.add(port)
  }
  return [...found]
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

/**
 * Keeps other tests, in whichever process they run, from choosing the port too. A socket in Linux's abstract namespace
 * has one owner, and is gone with it; other systems have no such thing.
 */
async function reserve(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true
  const owner = createServer()
  owner.unref()
  owner.listen(`\0parley-test-port-${port}`)
  try {
    await once(owner, 'listening')
    return true
  } catch {
    return false
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port)
  try {
    await once(server, 'listening')
    return (server.address() as AddressInfo).port === port // a TCP server's address is never text
  } catch {
    return false
  } finally {
    server.close()
  }
}
