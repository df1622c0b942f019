/** The part of a download is closed also when it comes after the end. The source is a peer on loopback. */
import { expect, onTestFinished, test } from 'vitest'
import { Download, type Part } from '../../src/files/download.ts'
import { LeafSet } from '../../src/files/leaf-set.ts'
import { until } from '../eventually.ts'
import { nothing, offering, original, side, streamTo, type Original } from './sides.ts'

class CountedPart implements Part {
  readonly layer: Uint8Array
  readonly have = new LeafSet(1)
  isOpen = true

  constructor(layer: Uint8Array) {
    this.layer = layer
  }

  async write(leaf: number): Promise<void> {
    this.have.add(leaf)
  }

  async finish(): Promise<string> {
    this.isOpen = false
    return 'whole'
  }

  async close(): Promise<void> {
    this.isOpen = false
  }
}

/** A download whose parts are made when the gate is open. */
function slowly({ hashed: { file, sizeBytes } }: Original) {
  const gate = Promise.withResolvers<void>()
  const parts: CountedPart[] = []
  let asked = 0
  const download = new Download({
    file,
    sizeBytes,
    part: undefined,
    create: async (layer) => {
      asked++
      await gate.promise
      const part = new CountedPart(layer)
      parts.push(part)
      return part
    },
    events: { progress: () => undefined, dropped: () => undefined, lost: () => undefined }
  })
  onTestFinished(() => download.stop(new Error('the test is over')))
  return { download, parts, open: gate.resolve, asked: () => asked }
}

test('a part that is made while its download is stopped is closed before the stop is over', async () => {
  const given = await original(10)
  const [anna, bob] = [await side(offering(given)), await side(nothing)]
  const { download, parts, open, asked } = slowly(given)
  download.add('anna', await streamTo(bob, anna))
  await until(() => asked() === 1, 'the layer')
  const stopped = download.stop(new Error('enough'))
  open()
  await stopped
  expect(parts.map(({ isOpen }) => isOpen)).toEqual([false])
  await expect(download.whole).rejects.toThrow('enough')
})
