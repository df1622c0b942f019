// What a log of changes keeps in memory. What readers get of it is the matter of
// events.test.ts.
import { expect, it } from 'vitest'
import { ChangeLog } from '../../../src/directory/http/change-log.ts'

it('keeps its batches, and nothing of the pool that they were cut from', () => {
  const log = new ChangeLog()
  for (let seq = 0; seq < 3; seq++) log.append((id) => Buffer.from(`a short batch ${id}`))
  for (let seq = 0; seq < 3; seq++) {
    const batch = log.after(seq)
    if (batch === undefined || batch === 'lost') throw new Error('it is not there')
    expect(batch.bytes.toString()).toBe(`a short batch ${log.idOf(seq + 1)}`)
    expect(batch.bytes.buffer.byteLength).toBe(batch.bytes.byteLength)
  }
})
