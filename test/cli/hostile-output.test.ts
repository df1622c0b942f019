// Whatever other machines send, a terminal gets text and nothing else: every
// place that shows it, for every face, and no way past the last step.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventually } from '../eventually.ts'
import { cleanText, escapedJson } from '../../src/cli/process/clean-text.ts'
import { MAX_PIPED_MESSAGE_LINES, Pipe } from '../../src/cli/plain/pipe.ts'
import { writeLines } from '../../src/cli/process/io.ts'
import { JsonFace } from '../../src/cli/json/json-face.ts'
import { PlainFace } from '../../src/cli/plain/plain-face.ts'
import { FakeNode, incoming, row } from './fake-node.ts'
import { hostileTexts } from './tui/hostile-corpus.ts'

/** What acts on a terminal, reorders or hides, written down apart from the code that removes it. */
const harmful =
  // oxlint-disable-next-line no-control-regex -- control characters are what must not come out
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\p{M}\u200c\u200d]{9}|\p{Cs}/u

const moreTexts = [
  { name: '32,700 marks on one letter', text: `a${'\u0336'.repeat(32_700)}` },
  { name: '65,000 line breaks', text: '\n'.repeat(65_000) },
  { name: 'marks with joiners between them', text: `a${'\u0301\u200d'.repeat(1000)}` },
  { name: 'marks with hidden characters between them', text: `a${'\u0301\u2063'.repeat(1000)}` }
]
const texts = [...hostileTexts, ...moreTexts]

/** A node of which every text that comes from elsewhere is this one. */
function hostileNode(text: string): FakeNode {
  const node = new FakeNode()
  node.rows = [
    row(text, { status: text, why: text, host: text, addresses: [text], onlyVia: text }),
    row('bob', { sameNameAs: { peer: text, name: text, shortId: text, verified: true, own: false } })
  ]
  node.views = [{ address: text, peer: undefined, state: 'refused', why: text, isDefault: false, isDown: true }]
  node.waiting = [{ peer: '12D3KooWmal', name: text, shortId: 'malID', lastText: text, count: 3 }]
  return node
}

function tellAll(node: FakeNode, text: string): void {
  const peer = '12D3KooWbob'
  node.tell('message', { message: incoming(text, '12D3KooWcarl'), name: text, arrival: 'accepted' })
  node.tell('message', { message: incoming(text, peer), name: text, arrival: 'accepted' })
  node.tell('request', { peer: '12D3KooWeve', name: text, shortId: text, lastText: text, count: 1 })
  node.tell('entered', { peer: '12D3KooWcarl', name: text })
  node.tell('refused', { peer, name: text, reason: text, retryAfterMs: 1000 })
  node.tell('conversation', { peer, name: text, state: { name: 'waiting', why: text, retryAtMs: 0 } })
  node.tell('directory', {
    address: text,
    peer: undefined,
    state: 'refused',
    why: text,
    isDefault: false,
    isDown: true
  })
  node.tell('notice', { code: 'fault', text })
  node.tell('notice', { code: 'key-changed', text, by: 'name', peer: text, was: text, verified: false })
}

async function outputOf(face: 'plain' | 'json', text: string): Promise<string> {
  const node = hostileNode(text)
  const input = new PassThrough()
  const output = new PassThrough()
  let written = ''
  output.on('data', (chunk: Buffer) => (written += chunk.toString()))
  const ended =
    face === 'plain'
      ? new PlainFace({ node, terminal: new Pipe(input, output) }).run()
      : new JsonFace({ node, input, output }).run()
  await eventually(() => expect(written).toContain(face === 'plain' ? 'Peer (' : '"ready"'))
  if (face === 'plain') {
    input.write('bob\n')
    await eventually(() => expect(written).toContain('Conversation with'))
  }
  tellAll(node, text)
  input.end(face === 'plain' ? '/who\n/requests\n/directories\n/contacts\n' : '{"do":"who"}\n{"do":"requests"}\n')
  await ended
  return written
}

describe('text of others', () => {
  it.each(texts)('comes out of the plain face as text: $name', async ({ text }) => {
    const written = await outputOf('plain', text)
    expect(written.split('\n').filter((line) => harmful.test(line))).toEqual([])
    // A message takes its place and no more: here it is told twice.
    expect(written.split('\n').filter((line) => line.startsWith('    | ')).length).toBeLessThanOrEqual(
      2 * MAX_PIPED_MESSAGE_LINES
    )
  })

  it.each(texts)('comes out of the JSON face as text: $name', async ({ text }) => {
    const written = await outputOf('json', text)
    expect(written.split('\n').filter((line) => harmful.test(line))).toEqual([])
    const message = written
      .trimEnd()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line))
      .find(({ event }) => event === 'message')
    expect(message?.['text']).toBe(text)
  })

  it.each(texts)('comes out of every command as text: $name', ({ text }) => {
    const stream = new PassThrough()
    writeLines(stream, [text, `parley: ${text}`])
    const written = String(stream.read())
    expect(harmful.test(written)).toBe(false)
    expect(written.split('\n')).toHaveLength(3)
  })
})

describe('the last step', () => {
  it('leaves JSON that was escaped as it is', () => {
    const anything = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...texts.map(({ text }) => text)))
    fc.assert(
      fc.property(anything, anything, (one, other) => {
        const json = escapedJson({ [one]: other })
        expect(cleanText(json)).toBe(json)
        expect(harmful.test(json)).toBe(false)
        expect(JSON.parse(json)).toEqual({ [one]: other })
      })
    )
  })

  it('is the only way to a terminal', () => {
    // Each of these cleans what it writes; everything else writes through them: see writeLines.
    const owners = new Set([
      'process/io.ts',
      // Lines for a face in another process, which cleans what it writes.
      'attach/face-server.ts',
      'attach/node-link.ts',
      // It writes through JsonOutput.
      'json/json-face.ts',
      'json/json-output.ts',
      'process/passphrase.ts',
      'plain/screen.ts',
      'process/progress-line.ts',
      'tui/terminal/tty.ts',
      'tui/full-screen-face.ts'
    ])
    const root = join(import.meta.dirname, '..', '..', 'src', 'cli')
    const writers = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !owners.has(name))
      .flatMap((name) =>
        readFileSync(join(root, name), 'utf8')
          .split('\n')
          .filter((line) => /\b(?:stdout|stderr|output|stream)\.write\(|\bconsole\./u.test(line))
          .map((line) => `${name}: ${line.trim()}`)
      )
    // What commander makes of the program's own help, with nothing of others in it.
    expect(writers).toEqual([
      'main.ts: writeOut: (text) => io.stdout.write(text),',
      'main.ts: io.stderr.write(wrongHelp)',
      // Messages of the history, each line cleaned or escaped by entryText.
      "commands/history.ts: if (!output.write(`${entryText(entry, format)}\\n`) && !output.destroyed) await once(output, 'drain', { signal })"
    ])
  })
})
