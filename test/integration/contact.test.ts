// Names that the user gives contacts, as real processes show them: beside the chat
// that runs on the profile, and on a profile that is free.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { TestBed, type Finished } from '../processes/test-bed.ts'

let bed: TestBed
beforeAll(async () => {
  bed = await TestBed.make()
})
afterAll(async () => bed[Symbol.asyncDispose]())

test('parley contact renames beside a chat and without one, and what it changes stands everywhere', async () => {
  const home = bed.home()
  const contact = async (...args: readonly string[]): Promise<Finished> =>
    bed.command(['contact', ...args], { home, name: 'contact' })
  const absent = await contact('list')
  expect(absent, absent.told).toMatchObject({ code: exitCodes.usage })

  const bob = await bed.host(['--json', '--name', 'bob', '--accept', 'all'], { name: 'bob' })
  const ready = await bob.event('ready')
  const peer = String(ready['peer'])
  const address = String(([] as unknown[]).concat(ready['addresses'])[0])
  const anna = await bed.host(['--json', '--name', 'anna'], { home, name: 'anna' })
  anna.type(JSON.stringify({ do: 'open', peer: address, tag: 'open' }))
  await anna.event('done', ({ tag }) => tag === 'open')
  await anna.event('roster')

  const named = await contact('rename', 'bob', 'Robert of the mill')
  expect(named, named.told).toMatchObject({ code: exitCodes.ok })
  expect(named.stdout).toMatch(/^bob \(\w{12}\) is Robert of the mill from now on\.$/mu)
  expect(await anna.event('contact')).toMatchObject({ peer, name: 'Robert of the mill', contact: true })
  bob.type(
    JSON.stringify({ do: 'msg', peer: String((await anna.event('ready'))['peer']), text: 'hi', trustName: true })
  )
  expect(await anna.event('message')).toMatchObject({ peer, name: 'Robert of the mill' })
  const clash = await contact('rename', 'Robert of the mill', 'QUIT')
  expect(clash, clash.told).toMatchObject({ code: exitCodes.usage })
  expect(clash.stderr).toContain('QUIT is a command')

  anna.type(JSON.stringify({ do: 'quit' }))
  await anna.ended()
  const listed = await bed.run(['contact', 'list'], { home })
  expect(listed.stdout).toBe(`Robert of the mill  ${peer}  (calls itself bob)`)
  const log = await bed.command(['log', 'robert of the mill'], { home })
  expect(log.stdout, log.told).toMatch(/Robert of the mill: hi/u)
  const back = await contact('rename', 'Robert of the mill')
  expect(back.stdout, back.told).toMatch(/^Robert of the mill \(\w{12}\) is bob from now on\.$/mu)
  const unasked = await contact('remove', 'bob')
  expect(unasked, unasked.told).toMatchObject({ code: exitCodes.usage })
  const removed = await contact('remove', 'bob', '--yes', '--json')
  expect(JSON.parse(removed.stdout), removed.told).toEqual({ event: 'contact-removed', peer, name: 'bob' })
  expect(JSON.parse((await contact('list', '--json')).stdout)).toEqual({ event: 'contacts', contacts: [] })
})
