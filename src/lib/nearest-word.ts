// Suggests the known word that a mistyped one was probably meant to be. Pure.

/** Commands, settings and names are shorter; the time to compare grows with the length. */
const maxComparedLength = 64

/** @returns the word that begins with what was typed, else the one that differs from it in the fewest letters */
export function nearestWord(typed: string, words: readonly string[]): string | undefined {
  if (typed === '' || typed.length > maxComparedLength) return undefined
  const folded = typed.toLowerCase()
  const begun = words.find((word) => word.toLowerCase().startsWith(folded))
  if (begun !== undefined) return begun
  // Two changes turn most words of three letters into each other.
  const mostChanges = typed.length > 3 ? 2 : 1
  // A difference in length takes as many changes; the names of a whole roster are compared here.
  const alike = words.filter(({ length }) => Math.abs(length - typed.length) <= mostChanges)
  const distances = alike.map((word) => ({ word, changes: distance(word.toLowerCase(), folded) }))
  const best = distances.toSorted((a, b) => a.changes - b.changes)[0]
  return best === undefined || best.changes > mostChanges ? undefined : best.word
}

/** Optimal string alignment distance: letters replaced, added, left out, or swapped with their neighbour. */
function distance(one: string, other: string): number {
  let before: readonly number[] = []
  let row: readonly number[] = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 0; i < one.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < other.length; j++) {
      const replaced = (row[j] ?? 0) + (one[i] === other[j] ? 0 : 1)
      const isSwapped = i > 0 && j > 0 && one[i] === other[j - 1] && one[i - 1] === other[j]
      const swapped = isSwapped ? (before[j - 1] ?? 0) + 1 : Infinity
      next.push(Math.min(replaced, swapped, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row.at(-1) ?? 0
}
