// JSON lines beside the other work of the program.
import { Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { JsonOutput } from '../../../src/cli/json/json-output.ts'

test('pages of messages leave turns to others, though the reader takes all at once', async () => {
  const pages = 20
  let turns = 0
  const read: number[] = []
  const life = new AbortController()
  const output = new JsonOutput({
    stream: new Writable({ write: (_line, _encoding, done) => done() }),
    signal: life.signal,
    nextMessages: async () => {
      read.push(turns)
      return read.length > pages ? [] : [{ event: 'message' }, { event: 'message' }]
    }
  })
  await output.begin({ event: 'ready' })
  output.messages()
  for (; turns <= 2 * pages; turns++) await turn()
  expect(new Set(read).size).toBe(pages + 1)
  await output.end({ event: 'bye' })
})

test('events between messages leave turns to others, and what one read has found is not looked for again', async () => {
  const events = 1_000
  let reads = 0
  const written: string[] = []
  const life = new AbortController()
  const output = new JsonOutput({
    stream: new Writable({
      write: (line, _encoding, done) => {
        written.push(String(line))
        done()
      }
    }),
    signal: life.signal,
    nextMessages: async () => (++reads === 1 ? [{ event: 'message' }] : [])
  })
  for (let count = 0; count < events; count++) {
    output.messages()
    output.event({ event: 'delivery', count })
  }
  await output.begin({ event: 'ready' })
  // Where they were written in one go, all would be there at once.
  while (written.length < 3) await turn()
  expect(written.length).toBeLessThan(events)
  await output.end({ event: 'bye' })
  expect(reads).toBe(2)
  expect(written.map((line) => JSON.parse(line).event)).toEqual([
    'ready',
    'message',
    ...Array<string>(events).fill('delivery'),
    'bye'
  ])
})
