// What an attacker on the network, in the middle of it, or with a crash report in
// hand learns of a conversation: real processes, with a proxy between them that
// keeps every byte.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { exitCodes } from '../../src/node/settings.ts'
import { type ParleyProcess, nodePath } from '../processes/parley-process.ts'
import type { JsonEvent } from '../processes/parley-run.ts'
import { freePort } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'
import { keyIn } from '../processes/homes.ts'

/** Words that stand nowhere else. */
const secrets = {
  text: 'the parcel waits under the third bridge',
  held: 'written before there was a connection',
  name: 'zanzibarine',
  otherName: 'quetzalcoatlus',
  status: 'mending the aeolian harp'
}
const manyTexts = Array.from({ length: 30 }, (_, at) => `${secrets.text}, number ${at} `.padEnd(1000, 'xylophone '))

let bed: TestBed
beforeAll(async () => {
  bed = await TestBed.make()
})
afterAll(async () => bed[Symbol.asyncDispose]())

interface Person {
  readonly process: ParleyProcess
  readonly home: string
  readonly peer: string
  readonly port: number
}

async function person(nickname: string, env: NodeJS.ProcessEnv = {}): Promise<Person> {
  const home = bed.home()
  const port = await freePort()
  const process = await bed.start(['--json', '--port', String(port)], {
    name: nickname,
    home,
    env: { PARLEY_NAME: nickname, PARLEY_STATUS: secrets.status, ...env }
  })
  const ready = await process.event('ready')
  return { process, home, port, peer: String(ready['peer']) }
}

function tell({ process }: Person, command: object): void {
  process.type(JSON.stringify(command))
}

const received =
  (text: string) =>
  (event: JsonEvent): boolean =>
    event['text'] === text

/** Everything that goes between two sides of a TCP connection, kept. */
async function recorder(to: number): Promise<{ readonly port: number; bytes(): Buffer }> {
  const chunks: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    for (const [from, into] of [
      [near, far],
      [far, near]
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined) // the other side goes: close follows
      from.on('close', () => into.destroy())
      from.on('data', (chunk) => {
        chunks.push(chunk)
        into.write(chunk)
      })
    }
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  bed.defer(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port, bytes: () => Buffer.concat(chunks) }
}

/** The key of a profile as it may stand anywhere: its two halves. */
async function keyOf({ home }: Person): Promise<readonly Buffer[]> {
  const key = await keyIn(home)
  return [Buffer.from(key.raw.subarray(0, 32)), Buffer.from(key.publicKey.raw)]
}

/** Where something stands in the bytes, in any of the forms in which programs write it. */
function formsFound(bytes: Buffer, what: string | Buffer): readonly string[] {
  const raw = Buffer.from(what)
  const forms: readonly (readonly [string, Buffer])[] = [
    ['raw', raw],
    ['utf16', Buffer.from(raw.toString('latin1'), 'utf16le')],
    ['hex', Buffer.from(raw.toString('hex'))],
    // Without the ends, which depend on what stands beside it.
    ...[0, 1, 2].map((shift) => {
      const base64 = Buffer.concat([Buffer.alloc(shift), raw]).toString('base64')
      return ['base64', Buffer.from(base64.slice(4, -4))] as const
    })
  ]
  return forms.filter(([, form]) => bytes.includes(form)).map(([form]) => form)
}

test('a capture of a conversation holds no text, no name, no status and no key', async () => {
  const [anna, bert] = [await person(secrets.name), await person(secrets.otherName)]
  const wire = await recorder(bert.port)
  // What waits from before goes over the wire with the rest.
  tell(anna, { do: 'send', peer: `/ip4/127.0.0.1/tcp/${wire.port}/p2p/${bert.peer}`, text: secrets.held })
  tell(anna, { do: 'open', peer: bert.peer })
  tell(bert, { do: 'open', peer: anna.peer })
  await bert.process.event('message', received(secrets.held))
  for (const text of manyTexts) tell(anna, { do: 'send', peer: bert.peer, text })
  for (const text of manyTexts) tell(bert, { do: 'send', peer: anna.peer, text })
  await bert.process.event('message', received(manyTexts.at(-1) ?? ''))
  await anna.process.event('message', received(manyTexts.at(-1) ?? ''))

  const bytes = wire.bytes()
  // All of it went through here, and the capture finds what is in the clear.
  expect(bytes.byteLength).toBeGreaterThan(2 * manyTexts.join('').length)
  expect(formsFound(bytes, '/noise')).toContain('raw')
  const hidden = [
    ...Object.values(secrets),
    'xylophone',
    '/chat/1.0.0',
    bed.network,
    anna.peer,
    bert.peer,
    ...(await keyOf(anna)),
    ...(await keyOf(bert))
  ]
  for (const what of hidden) expect(formsFound(bytes, what), String(what)).toEqual([])
})

test('a wrong key in the middle gets no word, from the one who dials or from the one who is dialled', async () => {
  const bert = await person(secrets.otherName)
  // It ends the encryption with its own key, and calls itself as bert does.
  const middle = await person(secrets.otherName)
  const home = bed.home()
  const args = ['send', '--wait', '5', '--', `/ip4/127.0.0.1/tcp/${middle.port}/p2p/${bert.peer}`, secrets.text]
  const sent = await bed.run(args, { home })
  expect(sent.code, sent.told).toBe(exitCodes.keyChanged)
  expect(sent.stderr, sent.told).toMatch(/another/u)

  // Towards bert it is a stranger with its own key, whatever it calls itself.
  const anna = await person(secrets.name)
  tell(anna, { do: 'open', peer: `127.0.0.1:${bert.port}` })
  tell(bert, { do: 'open', peer: anna.peer })
  await bert.process.event('conversation', ({ peer, state }) => peer === anna.peer && state === 'open')
  tell(middle, { do: 'name', text: secrets.name })
  await middle.process.event('done', (event) => event['do'] === 'name')
  tell(middle, { do: 'send', peer: `127.0.0.1:${bert.port}`, text: 'I am anna' })
  const request = await bert.process.event('request', ({ peer }) => peer === middle.peer)
  expect(request).toMatchObject({ sameNameAs: { peer: anna.peer, name: secrets.name } })
  await bert.process.event('notice', ({ code, peer, was }) => {
    return code === 'key-changed' && peer === middle.peer && was === anna.peer
  })
  const toAnna = (event: JsonEvent): boolean => event.event === 'message' && event['peer'] === anna.peer
  expect(bert.process.events().filter(toAnna)).toEqual([])
  expect(middle.process.events().filter(({ event }) => event === 'message' || event === 'request')).toEqual([])
})

test('a crash report and what is printed under PARLEY_DEBUG hold neither words nor key', async () => {
  const reports = join(bed.folder, 'reports')
  await mkdir(reports)
  const anna = await person(secrets.name, {
    PARLEY_DEBUG: '1',
    SECRET_OF_THE_ENVIRONMENT: 'hippopotamus',
    NODE_OPTIONS: `--report-on-signal --report-signal=SIGUSR2 --report-directory=${reports}`
  })
  const bert = await person(secrets.otherName)
  tell(anna, { do: 'open', peer: `127.0.0.1:${bert.port}` })
  tell(bert, { do: 'open', peer: anna.peer })
  for (const text of manyTexts) tell(bert, { do: 'send', peer: anna.peer, text })
  await anna.process.event('message', received(manyTexts.at(-1) ?? ''))

  anna.process.signal('SIGUSR2')
  const report = await eventually(async () => {
    const [name = ''] = await readdir(reports)
    const written = await readFile(join(reports, name))
    JSON.parse(written.toString())
    return written
  })
  expect(formsFound(report, 'javascriptHeap')).toContain('raw')
  const hidden = [...Object.values(secrets), 'xylophone', 'hippopotamus', ...(await keyOf(anna))]
  for (const what of hidden) expect(formsFound(report, what), String(what)).toEqual([])
  for (const what of hidden) expect(formsFound(Buffer.from(anna.process.stderr), what), String(what)).toEqual([])
})

test.skipIf(!existsSync('/proc/self/limits'))(
  'the command leaves no core dump behind, whatever the shell allows',
  async () => {
    const root = join(import.meta.dirname, '..', '..')
    const home = bed.home()
    await mkdir(home)
    const command = `ulimit -S -c unlimited; exec "${join(root, 'bin', 'parley')}" --json --port ${await freePort()}`
    const env = { ...bed.env(home), PATH: `${join(nodePath, '..')}:${process.env['PATH'] ?? ''}` }
    const child = spawn('sh', ['-c', command], { cwd: home, env, stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      await once(child.stdout, 'data')
      const limits = await readFile(`/proc/${child.pid}/limits`, 'utf8')
      expect(limits).toMatch(/^Max core file size +0 /mu)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
  }
)
