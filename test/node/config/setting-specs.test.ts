import { expect, test } from 'vitest'
import { defaultSettings, settingSpecs } from '../../../src/node/config/setting-specs.ts'
import { settingText } from '../../../src/node/config/setting-values.ts'

const defaults = defaultSettings(undefined)

test.each(settingSpecs.map((spec) => [spec.name, spec] as const))(
  'the default of %s is read again from how it is written',
  (name, spec) => {
    const value = defaults[name]
    if (value !== undefined) expect(spec.parse(settingText(spec, value))).toEqual(value)
  }
)

test('a switch has no value on the command line, and anything else has', () => {
  for (const { name, placeholder, byDefault } of settingSpecs) {
    expect(placeholder === undefined, name).toBe(typeof byDefault === 'boolean')
  }
})

test('a number that is too large is answered with the largest', () => {
  const circuits = settingSpecs.find(({ name }) => name === 'relayCircuits')
  expect(circuits?.parse('999999')).toBe(999_999)
  for (const text of ['0', '1000000']) expect(() => circuits?.parse(text)).toThrow('a whole number from 1 to 999999')
})

test('the nickname is by default that of the profile, and any other default is the same for all', () => {
  expect(defaultSettings('anna')).toEqual({ ...defaults, name: 'anna' })
})

test('the variable of a setting is its name in capitals', () => {
  const variables = Object.fromEntries(settingSpecs.map(({ name, env }) => [name, env]))
  expect(variables).toMatchObject({ name: 'PARLEY_NAME', giveUp: 'PARLEY_GIVE_UP', mdnsLibp2p: 'PARLEY_MDNS_LIBP2P' })
})
