// Lines for a reader that does not read, or a file that can't be written: what is kept, dropped, counted and reported.
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../eventually.ts'
import { MAX_UNREAD_OUTPUT_BYTES, droppedText, LineOutput } from '../../../src/cli/process/line-output.ts'

const line = 'x'.repeat(64 * 1024)

describe('lines that nothing reads', () => {
  it('wait up to a bound; beyond it they are dropped and counted by kind, which is reported when all is read', async () => {
    const stream = new PassThrough({ highWaterMark: 1 })
    const output = new LineOutput({ stream, droppedLines: (dropped) => [JSON.stringify([...dropped])] })
    let kept = 0
    for (; !output.isFull; kept++) output.print([line], 'ready')
    for (let count = 0; count < 100; count++) output.print([line], count % 2 === 0 ? 'ready' : 'left')
    expect(stream.writableLength).toBeLessThan(MAX_UNREAD_OUTPUT_BYTES + 2 * line.length)
    let read = ''
    stream.setEncoding('utf8').on('data', (text: string) => (read += text))
    await eventually(() => expect(read).toContain('ready",50'))
    output.print(['again'])
    await eventually(() => expect(read).toContain('again'))
    expect(read.split('\n').slice(kept)).toEqual(['[["ready",50],["left",50]]', 'again', ''])
  })

  it('are reported in one sentence', () => {
    expect(droppedText(new Map([['', 1]]), 'unread')).toBe('One line was dropped here, because nothing read it')
    const dropped = new Map([
      ['ready', 2],
      ['left', 3]
    ])
    expect(droppedText(dropped, 'unwritten')).toBe('5 lines were dropped here, because they could not be written')
  })
})
