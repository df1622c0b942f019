// One customer of a provider has 2^64 addresses of its own. A flood from two of
// them counts as one, a client still registers, and the terminal names the
// network. Real commands in network namespaces.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Lan, whyNoNamespaces } from '../netns/lan.ts'
import { TestBed } from '../processes/test-bed.ts'

const port = 8000
/** Together more than a directory has places for connections that are not identified yet. */
const socketsOfEach = 600
const addresses = ['2001:db8:0:1::1', '2001:db8:0:1::2'] as const

const whyNot = await whyNoNamespaces()
let lan: Lan | undefined
let bed: TestBed

beforeEach(async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  bed = await TestBed.make()
})

afterEach(async () => {
  if (whyNot !== undefined) return
  await bed[Symbol.asyncDispose]()
  await lan?.remove()
  lan = undefined
})

test('a flood from two addresses of one IPv6 network keeps no client out, and is named as one', async ({
  onTestFinished
}) => {
  lan = await Lan.create({ hosts: 2 })
  const [place, annaHost] = [lan.host(0), lan.host(1)]
  for (const address of addresses) {
    const add = ['-n', place.namespace, 'address', 'add', `${address}/128`, 'dev', 'lo']
    await promisify(execFile)('ip', add)
  }
  // On all of its addresses, of both families.
  const directory = await bed.directory(port, { via: place.wrapper, env: { PARLEY_HOST: '' } })
  const [ip = 'ip', ...inNamespace] = place.wrapper
  const script = join(import.meta.dirname, 'silent-flood.ts')
  const target = [addresses[0], String(port), String(socketsOfEach)]
  const flood = spawn(ip, [...inNamespace, process.execPath, script, ...target, ...addresses])
  onTestFinished(() => void flood.kill('SIGKILL'))
  await once(flood.stdout, 'data')
  await directory.shows(/^CROWDED Too many connections from 2001:db8:0:1::\/64 \(/u)

  const env = { PARLEY_HOST: annaHost.address, PARLEY_DIRECTORY: `${place.address}:${port}` }
  await bed.start(['--json', '--name', 'anna'], { name: 'anna', env, via: annaHost.wrapper })
  await directory.shows(/^READY anna /u)
  expect(directory.matching(/^CROWDED/u)).toHaveLength(1)
})
