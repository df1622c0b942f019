// Says when a process in a network namespace has begun to listen, from the
// system's own table: a test that measures from there need not trust what the
// program prints about itself.
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** TCP_LISTEN in the kernel's table of sockets. */
const listenState = '0A'
const lookEveryMs = 10

/** Resolves to the time (`performance.now()`) at which the process of this ID was first seen to listen on the port. */
export async function untilListening(pid: number, port: number, timeoutMs: number): Promise<number> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    const tables = ['tcp', 'tcp6'].map(async (one) => readFile(`/proc/${pid}/net/${one}`, 'utf8').catch(() => ''))
    const listens = (await Promise.all(tables))
      .join('\n')
      .split('\n')
      .some((line) => {
        const [, local = '', , state] = line.trim().split(/\s+/)
        return state === listenState && local.endsWith(`:${hexPort}`)
      })
    if (listens) return performance.now()
    await sleep(lookEveryMs)
  }
  throw new Error(`process ${pid} does not listen on port ${port} after ${timeoutMs} ms`)
}
