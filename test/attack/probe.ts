// Loaded into a victim before its own code (`node --import`): answers, over a
// local socket that is named after the process, how much memory it holds after a
// collection, its processor time and its open descriptors. It knows nothing of
// Parley, so it measures the program as it is.
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface ProbeReading {
  readonly rssBytes: number
  /** Heap and memory outside it that is in use; after a collection when one was asked for. */
  readonly heldBytes: number
  readonly cpuMs: number
  readonly descriptors: number
  /** The longest time that the event loop was blocked since the last reading, in milliseconds. */
  readonly blockedMs: number
}

export function probePath(pid: number): string {
  return join(tmpdir(), `parley-probe-${pid}.sock`)
}

/** Set by the process that starts the victim, so that importing this file elsewhere serves nothing. */
if (process.env['NODE_OPTIONS']?.includes('probe.ts') === true) serve()

function serve(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (wish) => {
      if (wish.toString() === 'collected' && typeof collect === 'function') {
        // Memory outside of the heap that a collection frees still counts as external until the next one.
        collect()
        collect()
      }
      const memory = process.memoryUsage()
      const cpu = process.cpuUsage()
      const reading: ProbeReading = {
        rssBytes: memory.rss,
        heldBytes: memory.heapUsed + memory.external,
        cpuMs: (cpu.user + cpu.system) / 1_000,
        descriptors: readdirSync('/proc/self/fd').length,
        blockedMs: loop.max / 1e6
      }
      loop.reset()
      socket.end(JSON.stringify(reading))
    })
  })
  server.listen(probePath(process.pid))
  server.unref()
}
