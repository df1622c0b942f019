// What became of messages on their way. Pure.

export interface Losses {
  readonly lost: number
  readonly doubled: number
  readonly outOfOrder: number
}

/** @param sent each text once, in the order in which they were sent */
export function lossesOf(sent: readonly string[], received: readonly string[]): Losses {
  const numbers = new Map(sent.map((text, number) => [text, number]))
  const came = new Set<string>()
  let greatest = -1
  let [doubled, outOfOrder] = [0, 0]
  for (const text of received) {
    const number = numbers.get(text)
    if (number === undefined) continue
    if (came.has(text)) doubled++
    else if (number < greatest) outOfOrder++
    came.add(text)
    greatest = Math.max(greatest, number)
  }
  return { lost: sent.length - came.size, doubled, outOfOrder }
}

export function noLosses({ lost, doubled, outOfOrder }: Losses): boolean {
  return lost + doubled + outOfOrder === 0
}

export function sumOf(all: readonly Losses[]): Losses {
  const none: Losses = { lost: 0, doubled: 0, outOfOrder: 0 }
  return all.reduce(
    (sum, one) => ({
      lost: sum.lost + one.lost,
      doubled: sum.doubled + one.doubled,
      outOfOrder: sum.outOfOrder + one.outOfOrder
    }),
    none
  )
}
