// A disk that is found full only when it is asked to keep what was written, as with delayed allocation and quotas on a
// server: a running chat says so, receipts nothing that may be lost, and goes on by itself when there is room. strace
// attaches to a real process and makes its syncs fail, which takes root on most systems; elsewhere these are skipped by name.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JsonParley, randomNetwork } from './json-parley.ts'

/** A program of the system, not of a package. */
const tool = { trace: 'strace' }
const canAttach = process.getuid?.() === 0 && spawnSync(tool.trace, ['-qq', '-o', '/dev/null', 'true']).status === 0

let folder: string
let running: JsonParley[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-sync-'))
  running = []
})

afterEach(async () => {
  await Promise.all(running.map(async (parley) => parley.stop()))
  rmSync(folder, { recursive: true })
})

test.skipIf(!canAttach).each([
  ['ENOSPC', /The disk that holds \S+ is full\. .*: make room, and storing goes on by itself/u],
  ['EDQUOT', /Your quota on the disk that holds \S+ is used up\. .*: make room, and storing goes on by itself/u]
])(
  'a chat whose syncs fail by %s says so, and goes on by itself when there is room (needs strace and root)',
  async (code, told) => {
    const network = randomNetwork()
    const start = async (name: string): Promise<JsonParley> => {
      const parley = await JsonParley.start({ home: join(folder, name), network, args: ['--accept', 'all'] })
      running.push(parley)
      return parley
    }
    const [anna, berta] = await Promise.all([start('anna'), start('berta')])
    const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
    await anna.do({ do: 'open', peer: await berta.address() })
    await anna.do({ do: 'send', peer: bertaId, text: 'before' })
    await anna.untilDelivered(1)

    const makeRoom = await failSyncs(berta.pid, code)
    const said = Array.from({ length: 20 }, (_, n) => `meanwhile ${n}`)
    for (const text of said) await anna.do({ do: 'send', peer: bertaId, text })
    const notice = await berta.until('the notice', () =>
      berta.events.find((one) => one.event === 'notice' && one['code'] === 'disk')
    )
    expect(notice['text']).toMatch(told)
    await anna.until('the refusal', () => anna.events.find(({ event }) => event === 'refused'))
    await expect(berta.do({ do: 'send', peer: annaId, text: 'mine' })).rejects.toThrow(told)
    expect(await anna.textsWith(bertaId, 'delivered')).toEqual(['before'])

    await makeRoom()
    await anna.untilDelivered(1 + said.length)
    expect(await berta.textsWith(annaId, 'accepted')).toEqual(['before', ...said])
    await berta.do({ do: 'send', peer: annaId, text: 'mine again' })
    await anna.until('what berta said', () =>
      anna.events.find(({ event, text }) => event === 'message' && text === 'mine again')
    )
    expect(await berta.quit()).toBe(0)
  }
)

/** @returns what ends it */
async function failSyncs(pid: number, code: string): Promise<() => Promise<void>> {
  const inject = ['-e', 'trace=fdatasync,fsync', '-e', `inject=fdatasync,fsync:error=${code}`]
  const strace = spawn(tool.trace, ['-f', '-o', '/dev/null', '-p', String(pid), ...inject])
  const isAttached = (line: string): boolean => /Process \d+ attached/u.test(line)
  for await (const line of createInterface({ input: strace.stderr })) if (isAttached(line)) break
  strace.stderr.resume()
  return async () => {
    strace.kill('SIGTERM')
    await once(strace, 'close')
  }
}
