import { streamPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import { onClosed } from '../../src/wire/index.ts'

test('the end of a stream is reported once, even if it came before anyone listened', async () => {
  const [stream] = await streamPair()
  const told: string[] = []
  onClosed(stream, () => told.push('listened before'))
  onClosed(stream, () => told.push('listened no more'))()
  expect(told).toEqual([])
  stream.abort(new Error('the cable was cut'))
  expect(told).toEqual(['listened before'])
  onClosed(stream, () => told.push('listened after'))
  expect(told).toEqual(['listened before', 'listened after'])
})
