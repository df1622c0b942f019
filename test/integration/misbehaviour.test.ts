// Who attacks is named, on every face: a bare socket that sends a length which
// never ends, to chats and directories.
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../processes/ports.ts'
import { TestBed } from '../processes/test-bed.ts'

let bed: TestBed
beforeAll(async () => {
  bed = await TestBed.make()
})
afterAll(async () => bed[Symbol.asyncDispose]())

/** @returns the attacker's own address, when it has been cut */
async function attack(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.9' })
  return new Promise((resolve, reject) => {
    let address = ''
    socket.once('connect', () => {
      address = `127.0.0.9:${socket.localPort}`
      socket.write(new Uint8Array(64 * 1024).fill(0x80))
    })
    socket.on('error', () => undefined)
    socket.once('close', () => (address === '' ? reject(new Error('not let in')) : resolve(address)))
  })
}

const what = 'sent a length prefix of more than 2 bytes'

function sentence(address: string): string {
  return `A stranger at ${address} ${what}. Its connection was cut.`
}

/** As a pattern. */
function literally(text: string): string {
  return text.replaceAll('.', String.raw`\.`)
}

function facts(address: string): object {
  return {
    peer: null,
    address,
    breach: 'negotiation',
    what,
    action: 'Its connection was cut',
    times: 1,
    text: sentence(address)
  }
}

describe.concurrent('a remote that is cut for what it did', () => {
  test('is named by a chat in plain lines', async () => {
    const port = await freePort()
    const chat = await bed.host(['--plain', '--port', String(port), '--name', 'anna'])
    await chat.shows(/anna/u)
    const address = await attack(port)
    await chat.shows(new RegExp(`^Note: ${literally(sentence(address))}$`, 'mu'))
  })

  test('is named by a chat in JSON, and counted by parley status', async () => {
    const [port, home] = [await freePort(), bed.home()]
    const chat = await bed.host(['--json', '--port', String(port)], { home })
    expect((await chat.event('ready'))['misbehaviour']).toEqual({ count: 0, last: null })
    const address = await attack(port)
    expect(await chat.event('notice')).toEqual({ event: 'notice', code: 'misbehaviour', ...facts(address) })
    const said = await bed.command(['status'], { home })
    const line = `1 remote was cut or refused for breaking a rule; last, \\d+ s ago: ${literally(`${address} ${what}`)}`
    expect(said.stdout).toMatch(new RegExp(`^Misbehaviour: +${line}$`, 'mu'))
    const { misbehaviour } = JSON.parse((await bed.command(['status', '--json'], { home })).stdout)
    expect(misbehaviour).toMatchObject({ count: 1, last: { address, breach: 'negotiation', peer: null } })
  })

  test('is named by a directory, on its terminal and in JSON', async () => {
    const [port, jsonPort] = [await freePort(), await freePort()]
    const directory = await bed.hostDirectory(port)
    await directory.shows(new RegExp(`^MISBEHAVED ${literally(sentence(await attack(port)))}$`, 'mu'))
    const json = await bed.host(['directory', '--json', '--port', String(jsonPort)])
    await json.event('listening')
    const address = await attack(jsonPort)
    expect(await json.event('misbehaviour')).toEqual({ event: 'misbehaviour', ...facts(address) })
  })
})
