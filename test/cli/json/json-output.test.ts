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
