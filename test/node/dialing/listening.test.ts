import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { UsageError } from '../../../src/node/api/errors.ts'
import { exitCodes } from '../../../src/node/api/exit-codes.ts'
import {
  freePort,
  isPortFree,
  listenFailure,
  listeningPort,
  whyNotListening,
  ListenAddressError,
  PortForbiddenError,
  PortTakenError
} from '../../../src/node/dialing/listening.ts'
import { loadConfig } from '../../../src/node/config/config.ts'

/** RFC 5737: no machine has it. */
const absent = '192.0.2.1'

test('a port that another program has, one that is kept for others and an address that is not there are three errors', () => {
  const place = { host: absent, port: 80 }
  const shown = ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].map((code) => {
    const failure = listenFailure(Object.assign(new Error(`listen ${code}`), { code }), place)
    return [failure?.name, failure?.exitCode, failure?.message]
  })
  expect(shown).toEqual([
    [
      'PortTakenError',
      exitCodes.portTaken,
      'port 80 is taken by another program: choose another with --port, or end that program'
    ],
    ['PortForbiddenError', exitCodes.usage, expect.stringMatching(/^this user may not listen on port 80; .* --port/u)],
    [
      'ListenAddressError',
      exitCodes.usage,
      `this machine has no address ${absent} to listen on: give one that it has with --host, or leave --host out`
    ]
  ])
})

test('the cause is found in the text of an error that libp2p made, and in none that has another', () => {
  const ofLibp2p = new Error(
    'Some configured addresses failed:\n  /ip4/0.0.0.0/tcp/80: listen EACCES: permission denied'
  )
  expect(listenFailure(ofLibp2p, { host: undefined, port: 80 })).toBeInstanceOf(PortForbiddenError)
  expect(listenFailure(new Error('EMFILE'), { host: undefined, port: 80 })).toBeUndefined()
})

test('each is advised with the option that it came from', () => {
  const options = { portOption: '--http', hostOption: '--http-host' }
  const texts = ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].map(
    (code) => listenFailure(Object.assign(new Error(), { code }), { host: absent, port: 80 }, options)?.message
  )
  expect(texts).toEqual([/ --http,/u, / --http,/u, / --http-host,/u].map((one) => expect.stringMatching(one)))
})

test('the error for a link-local address without its interface says what is missing', () => {
  const failure = listenFailure(Object.assign(new Error(), { code: 'EINVAL' }), { host: 'fe80::1', port: 80 })
  expect(failure?.message).toMatch(/a link-local address needs its interface behind it, as in fe80::1%eth0$/u)
})

test('the usual port gives way to a free one when it is taken, and one that was asked for does not', async () => {
  const taken = await listenSomewhere()
  const host = '127.0.0.1'
  const instead = await listeningPort({ asked: undefined, usual: taken, host })
  expect(instead.insteadOf).toMatchObject({ name: 'PortTakenError', port: taken })
  expect(instead.port).not.toBe(taken)
  await expect(listeningPort({ asked: taken, usual: undefined, host })).rejects.toThrow(PortTakenError)
  expect(await isPortFree({ host, port: taken })).toBe(false)
})

test('where the machine has no such address no port is taken: that is what is said', async () => {
  const wanted = [{ asked: 4001 }, { usual: 4001 }, {}]
  for (const one of wanted) {
    const { asked, usual } = { asked: undefined, usual: undefined, ...one }
    await expect(listeningPort({ asked, usual, host: absent })).rejects.toThrow(ListenAddressError)
  }
  await expect(isPortFree({ host: absent, port: 4001 })).rejects.toThrow(ListenAddressError)
  await expect(freePort(absent)).rejects.toThrow(ListenAddressError)
  expect(await whyNotListening({ host: absent, port: 4001 })).toBeInstanceOf(ListenAddressError)
})

test('a host to listen on that is no IP address is refused with the settings', async () => {
  await expect(loadConfig({ flags: { host: 'localhost' }, env: {} })).rejects.toThrow(UsageError)
})

async function listenSomewhere(): Promise<number> {
  const server: Server = createServer().listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
