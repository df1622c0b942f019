// The link that is late and loses packets does what the tests that use it suppose: it
// delays by no less than it should, and nothing passes where all is lost or cut.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { Internet, whyNoInternet, type SiteInit } from '../netns/internet.ts'
import { whyNoSlowLinks } from '../netns/slow-link.ts'

const run = promisify(execFile)
const whyNot = (await whyNoInternet()) ?? (await whyNoSlowLinks())
const delayMs = 100
let internet: Internet | undefined

afterEach(async () => {
  await internet?.remove()
  internet = undefined
})

/** A TCP connection from the second site to the first, and a byte each way. @returns how long it took, in milliseconds */
async function echoed(sites: readonly SiteInit[], timeoutMs: number): Promise<number> {
  internet = await Internet.create(sites)
  const [there, here] = [internet.host(0), internet.host(1)]
  const server = `
    const server = require('node:net').createServer((socket) => socket.pipe(socket))
    server.listen(7000, '0.0.0.0', () => console.log('listening'))
    process.stdin.resume().on('end', () => process.exit())`
  const client = `
    const startedAtMs = performance.now()
    const socket = require('node:net').connect(7000, '${there.address}', () => socket.write('x'))
    socket.on('data', () => { console.log(performance.now() - startedAtMs); process.exit() })
    socket.on('error', () => process.exit(1))
    setTimeout(() => process.exit(2), ${timeoutMs})`
  const [ip = '', ...into] = there.wrapper
  const serving = execFile(ip, [...into, process.execPath, '-e', server])
  try {
    await new Promise((resolve, reject) => {
      serving.stdout?.once('data', resolve)
      serving.once('close', reject)
    })
    const [, ...from] = here.wrapper
    const { stdout } = await run(ip, [...from, process.execPath, '-e', client])
    return Number(stdout)
  } finally {
    serving.stdin?.end()
  }
}

test('a round trip takes at least twice the delay: for the connection, and for the byte', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const line = { delayMs, jitterMs: 10 }
  expect(await echoed([{ kind: 'public' }, { kind: 'plain', line }], 60_000)).toBeGreaterThan(2 * 2 * delayMs)
})

test('nothing passes where all is lost', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const line = { delayMs: 0, lossPercent: 100 }
  await expect(echoed([{ kind: 'public' }, { kind: 'public', line }], 1_000)).rejects.toMatchObject({ code: 2 })
})
