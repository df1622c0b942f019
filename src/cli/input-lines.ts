// Lines of bytes from a stream that isn't a terminal, with a bound: a line that
// is too long is told as such and skipped, not kept. It knows nothing of what
// the lines mean.

export type InputLine =
  | { readonly is: 'line'; readonly text: string }
  | { readonly is: 'too long'; readonly limitBytes: number }

const lineFeed = 0x0a

/** Yields each line without its line break; what follows the last line feed is a line too, if there is any. */
export async function* readLines(
  input: AsyncIterable<Uint8Array | string>,
  options: { readonly maxBytes: number }
): AsyncGenerator<InputLine> {
  const { maxBytes } = options
  let parts: Buffer[] = []
  let size = 0
  const take = (): InputLine => {
    const line: InputLine =
      size > maxBytes
        ? { is: 'too long', limitBytes: maxBytes }
        : { is: 'line', text: Buffer.concat(parts).toString('utf8').replace(/\r$/u, '') }
    parts = []
    size = 0
    return line
  }
  const add = (bytes: Buffer): void => {
    size += bytes.length
    if (size <= maxBytes) parts.push(bytes)
    else parts = []
  }
  for await (const chunk of input) {
    let rest = Buffer.from(chunk)
    for (let end = rest.indexOf(lineFeed); end !== -1; end = rest.indexOf(lineFeed)) {
      add(rest.subarray(0, end))
      rest = rest.subarray(end + 1)
      yield take()
    }
    add(rest)
  }
  if (size > 0) yield take()
}
