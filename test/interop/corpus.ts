/**
 * What is said in every conversation, as data: texts that are easily damaged or mistaken
 * for another dialect, and the ways in which a peer may put them on the wire. It also
 * knows the two plain dialects' bytes, to cut them where a read may end.
 */
export type Dialect = 'lines' | 'framed text'

/** One thing that a foreign peer does, and the texts that it stands for. */
export type Utterance =
  | { readonly way: 'one'; readonly text: string; readonly means: readonly string[] }
  | { readonly way: 'several in one write'; readonly texts: readonly string[]; readonly means: readonly string[] }
  | { readonly way: 'in pieces'; readonly pieces: readonly Uint8Array[]; readonly means: readonly string[] }

const unicode = [
  'plain words',
  'Grüße, naïve café, Ελληνικά, русский',
  '你好,世界 日本語 한국어',
  'e\u0301 and o\u0308 are combined, \u{1112}\u{1161}\u{11ab} too',
  '👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇪🇺 𝔘𝔫𝔦𝔠𝔬𝔡𝔢',
  'مرحبا שלום',
  ' a space at both ends ',
  'a\ttab, a "quote", a \\backslash and {"json": true}',
  '/help is not a command here'
]

/**
 * A line whose first byte is a length prefix that fits it exactly: as framed text it
 * reads as one whole frame, its newline included. `lengthBytes` is that of the text
 * without its newline.
 */
export function ambiguousLine(lengthBytes: number): string {
  return String.fromCharCode(lengthBytes).padEnd(lengthBytes, 'x')
}

/** The printable ASCII characters: each may begin a line, and each may be a length. */
const ambiguousLengths = Array.from({ length: 126 - 32 + 1 }, (_, index) => 32 + index)

/** Every one of them opens a conversation in a case of its own. */
export const ambiguousLines: readonly string[] = ambiguousLengths.map(ambiguousLine)

/** 66 bytes with its newline: "A" is 65, which is the length of the rest. */
export const lineOf66Bytes = ambiguousLine('A'.charCodeAt(0))

const tenKilobytes = 'ten kilobytes, é and 語: '.repeat(380)

/** Texts that go in both directions, one at a time. */
export const texts: readonly string[] = [lineOf66Bytes, ...unicode, ...ambiguousLines, tenKilobytes]

const cutText = 'cut in the middle of a 語, and again'

/** All that a foreign peer says. */
export function utterances(dialect: Dialect): readonly Utterance[] {
  const wire = encode(dialect, cutText)
  // One byte into the three of 語.
  const insideCharacter = wire.indexOf(0xe8) + 1
  return [
    ...texts.map((text): Utterance => ({ way: 'one', text, means: [text] })),
    { way: 'one', text: '', means: [''] },
    { way: 'several in one write', texts: ['first', 'second', 'third 語'], means: ['first', 'second', 'third 語'] },
    // After the first byte (in framed text all of the prefix), inside of a character, and
    // before the newline.
    {
      way: 'in pieces',
      pieces: [
        wire.subarray(0, 1),
        wire.subarray(1, insideCharacter),
        wire.subarray(insideCharacter, -1),
        wire.subarray(-1)
      ],
      means: [cutText]
    },
    // The end of one message and the beginning of the next arrive together.
    {
      way: 'in pieces',
      pieces: straddled(encode(dialect, 'one message'), encode(dialect, 'and the next')),
      means: ['one message', 'and the next']
    }
  ]
}

function straddled(one: Uint8Array, next: Uint8Array): Uint8Array[] {
  return [one.subarray(0, 4), Buffer.concat([one.subarray(4), next.subarray(0, 4)]), next.subarray(4)]
}

function encode(dialect: Dialect, text: string): Uint8Array {
  const line = Buffer.from(`${text}\n`)
  switch (dialect) {
    case 'lines':
      return line
    case 'framed text':
      if (line.length > 127) throw new RangeError('only one-byte prefixes are needed here')
      return Buffer.concat([Buffer.of(line.length), line])
  }
}
