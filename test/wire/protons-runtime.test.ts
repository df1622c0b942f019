/** The frames are written as protobuf writes them, also where the runtime of the generator does not. */
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reader, writer } from '../../src/wire/protons-runtime.ts'

function varint(value: bigint): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80n; rest /= 0x80n) bytes.push(Number(rest % 0x80n) + 0x80)
  return [...bytes, Number(rest)]
}

test.each([0n, 127n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n])(
  'a 64-bit number is written as a varint: %s',
  (value) => {
    const bytes = writer().uint64(value).finish()
    expect([...bytes]).toEqual(varint(value))
    expect(reader(bytes).uint64()).toBe(value)
  }
)

test('any 64-bit number is read as it was written', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      expect(reader(writer().uint64(value).finish()).uint64()).toBe(value)
    })
  )
})

test('the fault is still in protons-runtime: when this fails, src/wire/protons-runtime.ts can go', () => {
  const script =
    "import { writer } from 'protons-runtime'; " +
    'process.stdout.write(String(writer().uint64(2n ** 31n).finish()[0]))'
  const first = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(first).not.toBe(String(varint(2n ** 31n)[0]))
})
