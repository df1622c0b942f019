/** The list of interfaces, when the system can't make it. */
import { expect, test } from 'vitest'
import { networkInterfaces } from '../../src/transport/network-interfaces.ts'

test('what was known stands when no more files may be open', () => {
  const known = networkInterfaces()
  const failing = (): never => {
    throw new Error('A system error occurred: uv_interface_addresses returned EMFILE')
  }
  expect(networkInterfaces(failing)).toBe(known)
  expect(Object.keys(known)).toContain('lo')
})
