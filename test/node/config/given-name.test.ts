import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/node/config/config.ts'
import { readGivenName } from '../../../src/node/config/given-name.ts'

describe('a name that the user gives', () => {
  test.each([
    ['anna', 'anna'],
    ['  anna ', 'anna'],
    ['"anna of the mill"', 'anna of the mill'],
    ['e\u0301va', '\u00e9va'],
    ['exit 7', 'exit 7'],
    ['7 of 9', '7 of 9'],
    ['ｱﾝﾅ', 'ｱﾝﾅ'],
    ['🦊', '🦊']
  ])('%j is %j', (typed, name) => {
    expect(readGivenName(typed)).toBe(name)
  })

  test.each([
    ['', /can be seen/u],
    ['""', /can be seen/u],
    [' \u200b ', /can be seen/u],
    ['EXIT', /EXIT is a command/u],
    ['quit', /QUIT is a command/u],
    ['"Exit"', /EXIT is a command/u],
    ['17', /number/u],
    ['anna "the mill"', /quotes/u],
    ['"', /quotes/u],
    ['/who', /begins with \//u],
    ['ＥＸＩＴ', /EXIT is a command/u],
    ['ⓠⓤⓘⓣ', /QUIT is a command/u],
    ['E\u200bXIT', /EXIT is a command/u],
    ['１７', /number/u],
    ['／who', /begins with \//u],
    ['anna ＂the mill＂', /quotes/u]
  ])('%j is refused with the reason', (typed, why) => {
    expect(() => readGivenName(typed)).toThrow(why)
  })

  test('is read in the same way from the command line and the environment', async () => {
    const read = async (flag: string | undefined, variable: string | undefined): Promise<string> => {
      const flags = flag === undefined ? {} : { name: flag }
      const env = { XDG_CONFIG_HOME: '/nowhere', ...(variable === undefined ? {} : { PARLEY_NAME: variable }) }
      return (await loadConfig({ flags, env })).settings.name
    }
    expect(await read('"anna b"', undefined)).toBe('anna b')
    expect(await read(undefined, '"anna b"')).toBe('anna b')
    await expect(read('', undefined)).rejects.toThrow(/^--name: "" can't be used: a name needs/u)
    await expect(read(undefined, 'QUIT')).rejects.toThrow(/^PARLEY_NAME: "QUIT" can't be used: QUIT is a command/u)
  })
})
