// Lists and numbers as English writes them. `Intl` would do the same, and its tables
// take 6 MB of the memory of a face that rests.

/** `a`, `a and b`, `a, b, and c` */
export function listText(words: readonly string[]): string {
  const [first = '', second] = words
  if (second === undefined) return first
  return words.length === 2 ? `${first} and ${second}` : `${words.slice(0, -1).join(', ')}, and ${words.at(-1)}`
}

/** With a capital letter and a full stop: `the port is taken` as a notice. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/u.test(text) ? '' : '.'}`
}

/** @param count whole, as in `12,345` */
export function countText(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/gu, ',')
}
