/**
 * How many connections the system lets this process have. Each is an open file:
 * when none is left, the kernel drops newcomers by chance, connections give way
 * no more, and databases and timers of the program fail. So the places are fewer
 * than the files. It knows numbers only.
 */

import { report } from 'node:process'
import type { GuardLimits } from './connection-guard.ts'

/**
 * Open files that connections leave to the rest of the program: a chat has 30 at rest (the history, the key, listeners,
 * the event loop), and opens a few more for dials and for commands.
 */
export const RESERVED_OPEN_FILES = 48

/** The least number of places for connections, however few files may be open. */
export const LEAST_CONNECTIONS = 8

/** The part of the connections that may be pending where the open files are too few for all places. */
const PENDING_PART_OF_FILES = 0.25

/** How many files this process may have open; Infinity where the system sets no limit, or does not tell. */
export function openFileLimit(): number {
  // Without it Node looks up the names of all remote addresses. Not in its types.
  const wasExcluded: unknown = Reflect.get(report, 'excludeNetwork')
  Reflect.set(report, 'excludeNetwork', true)
  try {
    return softLimitIn(report.getReport())
  } finally {
    Reflect.set(report, 'excludeNetwork', wasExcluded)
  }
}

/** The limits that leave {@link RESERVED_OPEN_FILES} to everything else. */
export function limitsWithin(limits: GuardLimits, openFiles: number): GuardLimits {
  const { places, handshakes } = limits
  const left = Math.max(LEAST_CONNECTIONS, Math.floor(openFiles - RESERVED_OPEN_FILES))
  if (places.maxConnections + handshakes.maxPending <= left) return limits
  const maxPending = Math.min(handshakes.maxPending, Math.floor(left * PENDING_PART_OF_FILES))
  const maxConnections = Math.min(places.maxConnections, left - maxPending)
  return { places: { ...places, maxConnections }, handshakes: { ...handshakes, maxPending } }
}

function softLimitIn(written: object): number {
  const limits: unknown = Reflect.get(written, 'userLimits')
  const files: unknown = isObject(limits) ? Reflect.get(limits, 'open_files') : undefined
  const soft: unknown = isObject(files) ? Reflect.get(files, 'soft') : undefined
  return typeof soft === 'number' ? soft : Infinity
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
