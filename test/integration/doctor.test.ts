// Doctor in networks of namespaces: some of the set-ups of `npm run test:doctor`.
import { beforeEach, expect, test } from 'vitest'
import { broken } from '../doctor/broken.ts'
import { healthy } from '../doctor/healthy.ts'
import { faultOf } from '../doctor/judge.ts'
import { whyNoNamespaces } from '../netns/lan.ts'

const names = ['mdns-in', 'kill-switch', 'changed-key', 'strict-firewall']
const chosen = [...broken, ...healthy].filter(({ name }) => names.includes(name))

const whyNot = await whyNoNamespaces()

beforeEach(({ skip }) => {
  skip(whyNot !== undefined, whyNot)
})

test.each(chosen.map((setUp) => [setUp.name, setUp.cause ?? 'nothing', setUp] as const))(
  'in the set-up %s it names %s',
  async (_name, _cause, setUp) => {
    expect((await faultOf(setUp)).fault).toBeUndefined()
  }
)

test('each set-up that is chosen exists', () => {
  expect(chosen).toHaveLength(names.length)
})
