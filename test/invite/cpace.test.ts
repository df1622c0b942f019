import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BadShareError, Cpace, generatorString } from '../../src/invite/cpace.ts'

// draft-irtf-cfrg-cpace, appendix B.3: CPace using group ristretto255 and hash SHA-512.
const inputs = {
  password: Buffer.from('Password'),
  channel: hex('0b415f696e69746961746f720b425f726573706f6e646572'),
  session: hex('7e4b4791d6a8ef019b936c79fb7f2c57')
}
const ya = hex('da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08')
const yb = hex('d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d')
const shareA = 'd6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157'
const shareB = '3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258'

describe('the test vectors of the draft', () => {
  test('the string that the generator is made of', () => {
    const text = Buffer.from(generatorString(inputs)).toString('hex')
    expect(text).toBe(
      `11435061636552697374726574746f3235350850617373776f726464${'00'.repeat(100)}` +
        '180b415f696e69746961746f720b425f726573706f6e646572107e4b4791d6a8ef019b936c79fb7f2c57'
    )
    const hash = createHash('sha512').update(generatorString(inputs)).digest('hex')
    expect(hash).toBe(
      'da6d3ddc8802fca9058755ffd3ebde08a9c2c74945901a258482a288b6663af0' +
        '6bf645c93cd1c51512307199c80e84908916d983b34af77205f90851a657ee27'
    )
  })

  test('the shares of both sides', () => {
    expect([hexOf(new Cpace(inputs, ya).share), hexOf(new Cpace(inputs, yb).share)]).toEqual([shareA, shareB])
  })

  test('the key, with the draft’s associated data', () => {
    const key =
      'b69effbf61b51d56401c0f65601abe428de8206feaaf0e32198896dcae7b35cd' +
      '2b38950a39dfd5d4a79164614c2984f7daa460b588c1e80c3fa2068af7900447'
    const data = { own: Buffer.from('ADa'), theirs: Buffer.from('ADb') }
    expect(hexOf(new Cpace(inputs, ya).key('initiator', hex(shareB), data))).toBe(key)
    const other = { own: data.theirs, theirs: data.own }
    expect(hexOf(new Cpace(inputs, yb).key('responder', hex(shareA), other))).toBe(key)
  })

  test.each([
    ['no element of the group', '2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c'],
    ['the neutral element', '00'.repeat(32)]
  ])('a share that is %s ends the run', (_, share) => {
    const scalar = hex('7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05')
    expect(() => new Cpace(inputs, scalar).key('initiator', hex(share))).toThrow(BadShareError)
  })
})

test('both sides have the same key exactly when password, channel and session are the same', () => {
  const part = fc.uint8Array({ maxLength: 200 })
  const some = fc.record({ password: part, channel: part, session: part })
  const change = fc.constantFrom('none', 'password', 'channel', 'session')
  fc.assert(
    fc.property(some, change, (one, changed) => {
      const other = changed === 'none' ? one : { ...one, [changed]: Buffer.concat([one[changed], Buffer.of(1)]) }
      const [a, b] = [new Cpace(one), new Cpace(other)]
      const isSame = hexOf(a.key('initiator', b.share)) === hexOf(b.key('responder', a.share))
      expect(isSame).toBe(changed === 'none')
    }),
    { numRuns: 20 }
  )
})

test('any bytes as a share give a key or are refused', () => {
  const run = new Cpace(inputs)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (share) => {
      try {
        expect(run.key('initiator', share)).toHaveLength(64)
      } catch (error) {
        expect(error).toBeInstanceOf(BadShareError)
      }
    })
  )
})

function hex(text: string): Uint8Array {
  return Buffer.from(text, 'hex')
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
