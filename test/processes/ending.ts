// What a test has started ends with the test's own process, however that ends: by itself, by a time limit, or because
// its runner is gone. A daemon and a terminal are nobody's children, and are found by the folder that they live in.
import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'

const ends = new Set<() => void>()

process.once('exit', () => {
  for (const end of ends) end()
})
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]))
}
// Nobody would hear of the results.
process.once('disconnect', () => process.exit())

/** @param end is called when this process exits, where nothing can be waited for; @returns what takes it back */
export function endAtExit(end: () => void): () => void {
  ends.add(end)
  return () => void ends.delete(end)
}

/** Kills what has this folder in its environment: the path of a test's own folder, which nobody else has. */
export function killProcessesIn(folder: string): void {
  for (const pid of processesIn(folder)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Processes of this user with this folder in their environment; none where the system does not show it as Linux does. */
export function processesIn(folder: string): readonly number[] {
  return processIds().filter((pid) => pid !== process.pid && environmentOf(pid).includes(folder))
}

function processIds(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}
