// A name server that takes questions and never answers: the system's resolver gives up
// before the deadline of a dial, so that the process is not held by it at its end.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { JsonParley, patienceMs } from '../fault/json-parley.ts'
import { whyNoInternet } from '../netns/internet.ts'
import { inNamespace, Namespaces } from '../netns/namespaces.ts'
import { nodePath } from '../processes/parley-process.ts'

const muteServer = `
  const socket = require('node:dgram').createSocket('udp4')
  socket.bind(53, '127.0.0.1', () => console.log('listening'))
  process.stdin.resume().on('end', () => process.exit())`

const whyNot = await whyNoInternet()
let folder: string | undefined
let namespaces: Namespaces | undefined
let server: ChildProcess | undefined
let parley: JsonParley | undefined

afterEach(async () => {
  await parley?.stop()
  server?.stdin?.end()
  await namespaces?.remove()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

test('send says that no name server gave an answer, of its own accord and not by the deadline of the dial', async ({
  skip
}) => {
  skip(whyNot !== undefined, whyNot)
  folder = await mkdtemp(join(tmpdir(), 'parley-dns-'))
  const settings = join(folder, 'resolv.conf')
  await writeFile(settings, 'nameserver 127.0.0.1\n')
  namespaces = await Namespaces.begin()
  const [ip = '', ...into] = inNamespace(await namespaces.add('dns'))
  server = spawn(ip, [...into, nodePath, '-e', muteServer], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (server.stdout !== null) await once(server.stdout, 'data')

  const mounted = ['sh', '-c', `mount --bind '${settings}' /etc/resolv.conf && exec "$@"`, 'sh']
  parley = await JsonParley.spawn({
    wrapper: [ip, ...into, ...mounted],
    secluded: false,
    args: ['send', 'host.example:4001', 'hi', '--no-mdns', '--no-default-directories']
  })
  await expect(parley.until('an end', () => undefined, patienceMs)).rejects.toThrow(
    'as no name server gave an answer: check the network'
  )
  expect(parley.exitCode).toBe(4)
})
