/**
 * What the benchmarks are to reach: the one place where a goal is a number. A
 * bench says which of these it has measured; whether that is enough is decided
 * here. Knows no bench.
 */

export interface Goal {
  /** The row of the table of goals that it belongs to. */
  readonly row: number
  /** What is measured, as the row of a report is called. */
  readonly name: string
  readonly unit: string
  readonly bound: { readonly atLeast: number } | { readonly atMost: number }
}

export const goals = {
  smallOverHyperdht: {
    row: 1,
    name: '64 B messages through ChatNode.send(), receipted, of hyperdht’s one write each',
    unit: '×',
    bound: { atLeast: 3 }
  },
  smallOverRaw: {
    row: 1,
    name: '64 B messages through ChatNode.send(), receipted, of a raw libp2p stream in batches',
    unit: '×',
    bound: { atLeast: 0.35 }
  },
  kilobyteOverHyperdht: {
    row: 2,
    name: '1 KiB messages through ChatNode.send(), receipted, of hyperdht’s one write each',
    unit: '×',
    bound: { atLeast: 2 }
  },
  kilobyteCpu: {
    row: 2,
    name: 'CPU per 1 KiB message, both ends, of hyperdht’s',
    unit: '×',
    bound: { atMost: 0.5 }
  },
  storedOverStatements: {
    row: 3,
    name: 'messages stored on both sides and receipted, of bare statements of the same kind',
    unit: '×',
    bound: { atLeast: 0.8 }
  },
  bulkOverHyperdht: {
    row: 4,
    name: 'bulk bytes over the duplex of src/wire, of hyperdht',
    unit: '×',
    bound: { atLeast: 2.5 }
  },
  bulkOverRaw: {
    row: 4,
    name: 'bulk bytes over the duplex of src/wire, of a raw libp2p stream as it comes',
    unit: '×',
    bound: { atLeast: 1.15 }
  },
  dialOverHyperdht: {
    row: 5,
    name: 'warm dial to first receipt, of hyperdht’s dial to first echo',
    unit: '×',
    bound: { atMost: 1.5 }
  },
  joinOverTwisted: {
    row: 6,
    name: 'one join to the last of 1,000 clients over a directory, of the Twisted line server',
    unit: '×',
    bound: { atMost: 1.5 }
  },
  joinOverNgircd: {
    row: 6,
    name: 'one join to the last of 1,000 clients over a directory, of ngircd',
    unit: '×',
    bound: { atMost: 2.5 }
  },
  joinLoop: { row: 6, name: 'send loop of one join to 1,000 clients', unit: 'ms', bound: { atMost: 10 } },
  acceptGrowth: {
    row: 7,
    name: 'CPU per accepted client at 3,000, of that at 100',
    unit: '×',
    bound: { atMost: 1.3 }
  },
  refusedForGood: { row: 7, name: 'refused for good of 1,000 at once', unit: 'clients', bound: { atMost: 0 } },
  clientMemory: { row: 8, name: 'memory per connected client at 1,000', unit: 'KB', bound: { atMost: 120 } },
  stoppedReader: { row: 9, name: 'a reader that stops: sender’s buffer', unit: 'MiB', bound: { atMost: 1 } },
  openLarge: { row: 10, name: 'opening 1 M messages, over an empty profile', unit: 'ms', bound: { atMost: 10 } },
  searchLarge: { row: 10, name: 'newest 50 hits of a search in 1 M messages', unit: 'ms', bound: { atMost: 5 } },
  firstPrompt: {
    row: 11,
    name: 'process start to first prompt, of a bare import of the same packages',
    unit: '×',
    bound: { atMost: 1.5 }
  },
  restMemory: { row: 12, name: 'client at rest: memory', unit: 'MB', bound: { atMost: 110 } },
  restCpu: { row: 12, name: 'client at rest: CPU', unit: '% of a core', bound: { atMost: 0.5 } }
} as const satisfies Readonly<Record<string, Goal>>

export type GoalId = keyof typeof goals

/** As in a table: `≥ 3 ×`. */
export function goalText({ bound, unit }: Goal): string {
  return 'atLeast' in bound ? `≥ ${bound.atLeast} ${unit}` : `≤ ${bound.atMost} ${unit}`
}

/** @param value undefined when it was not measured or had no comparator, which is not met */
export function isMet({ bound }: Goal, value: number | undefined): boolean {
  if (value === undefined || !Number.isFinite(value)) return false
  return 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost
}
