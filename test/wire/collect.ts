/** Everything that a source yields, in an array. For tests; knows nothing of what it collects. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of source) {
    all.push(item)
  }
  return all
}
