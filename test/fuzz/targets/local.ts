/** What the user, a script or a file of settings says: words for a peer, addresses, times, JSON commands; and text that goes to a terminal. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chatCommands } from '../../../src/cli/chat-commands/chat-commands.ts'
import { cleanLines, cleanText, escapedJson } from '../../../src/cli/process/clean-text.ts'
import { readAtPeerPrompt, readAtPortPrompt } from '../../../src/cli/chat-commands/input-line.ts'
import { readLines } from '../../../src/cli/process/input-lines.ts'
import { readJsonCommand } from '../../../src/cli/json/json-command.ts'
import { parseSince, parseUntil } from '../../../src/cli/wording/time-span.ts'
import { formatAddress, hostPortOf, parseAddress } from '../../../src/node/dialing/address.ts'
import { loadConfig } from '../../../src/node/config/config.ts'
import { settingSpecs } from '../../../src/node/config/setting-specs.ts'
import { ParleyError, UsageError } from '../../../src/node/api/errors.ts'
import { readPeerReference, type KnownPeers } from '../../../src/node/peers/peer-reference.ts'
import { cleanText as cleanForPage } from '../../../src/web/model/clean-text.ts'
import { allow, allowAsync, promise, same, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, choices, InputReader } from '../input-reader.ts'

/** The text of an input: its own bytes, or one made of pieces with a meaning. */
function textOf(input: Uint8Array, max = 400): string {
  if (((input[0] ?? 0) & 1) === 0) return Buffer.from(input.subarray(1)).toString('utf8')
  return new InputReader(input.subarray(1)).text(max)
}

const seed = (text: string): Uint8Array => asIs(Buffer.from(text))

/** Moves the cursor, colours, reorders or hides: none of it reaches a terminal. */
const harmful =
  // oxlint-disable-next-line no-control-regex -- what must not be there
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/u
const maxCharacters = 20

const cleaning: FuzzTarget = {
  name: 'clean-text',
  reaches: 'the last step before a terminal, a page and a line of JSON',
  stretchEvery: 1000,
  seeds: () => [
    seed('good morning'),
    seed('\u001b[2J\u202eabc\r\n'),
    seed('🏴\u{e0067}\u{e007f}'),
    choices(9, 230, 1, 230, 5)
  ],
  run(input) {
    const text = textOf(input)
    const line = cleanText(text)
    promise(!harmful.test(line) && !line.includes('\n'), 'a clean line holds nothing that acts on a terminal')
    same(cleanText(line), line, 'what is clean stays as it is')
    for (const each of cleanLines(text)) promise(!harmful.test(each), 'each of the clean lines')
    const short = cleanText(text, { maxCharacters })
    promise(Array.from(short).length <= maxCharacters, 'no longer than was allowed')
    const page = cleanForPage(text)
    promise(!harmful.test(page) && !page.includes('\n'), 'a page shows nothing that reorders or hides text')
    const json = escapedJson({ text })
    promise(!harmful.test(json), 'a line of JSON holds nothing that acts on a terminal')
    same(JSON.parse(json), { text }, 'JSON says what was meant')
  }
}

const peer = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
const known: KnownPeers = {
  self: '12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq',
  contacts: [{ peer, name: 'anna' }],
  roster: [
    { peer, name: 'anna' },
    { peer: '12D3KooWRndVhVZPCiQwHBBBdg769GyrPUW13zxwqQyf9r3ANaba', name: 'bob' }
  ],
  others: [],
  numbers: [peer]
}

const words: FuzzTarget = {
  name: 'peer-reference',
  reaches: 'what is typed for a peer, an address, a port or a time',
  stretchEvery: 1000,
  seeds: () =>
    [
      'anna',
      '1',
      peer,
      '127.0.0.1:4001',
      '[::1]:4001',
      'fe80::1%eth0 4001',
      '/ip4/192.0.2.7/tcp/4001',
      '2026-11-22T10:00'
    ]
      .concat(['3d', `/dns/example.org/tcp/1/p2p/${peer}`, '/ip4/1.2.3.4/udp/1/quic-v1', 'QUIT'])
      .map(seed),
  run(input) {
    const text = textOf(input)
    const typed = text.split(' ').filter((word) => word !== '')
    allow([ParleyError], () => readPeerReference(typed, known, { trustName: (input[1] ?? 0) % 2 === 0 }))
    const address = allow([ParleyError], () => parseAddress(typed))
    if (address !== undefined && hostPortOf(address) !== undefined && !address.toString().includes('/p2p/')) {
      const shown = formatAddress(address)
      same(parseAddress([shown])?.toString(), address.toString(), `an address is read as it is shown: ${shown}`)
    }
    for (const parse of [parseSince, parseUntil]) {
      const ms = allow([UsageError], () => parse(text, 1_700_000_000_000))
      promise(ms === undefined || Number.isFinite(ms), 'a time is a number')
    }
    readAtPeerPrompt(text)
    readAtPortPrompt(text)
  }
}

/** One command of the JSON face as a script might write it. */
export function someCommand(reader: InputReader): string {
  if (reader.byte() < 16) return reader.text(200)
  const value = (): unknown => {
    switch (reader.below(9)) {
      case 0:
        return reader.text(30)
      case 1:
        return reader.safe()
      case 2:
        return reader.flag()
      case 3:
        return null
      case 4:
        return reader.list(4, () => reader.text(10))
      case 5:
        return { [reader.text(8)]: reader.text(8) }
      case 6:
        return -1
      default:
        return 'anna'
    }
  }
  const fields: Record<string, unknown> = Object.fromEntries(
    reader.list(6, () => [
      reader.oneOf(['peer', 'text', 'tag', 'wait', 'trustName', 'limit', 'ids', 'before', reader.text(8)]),
      value()
    ])
  )
  const command = { do: reader.byte() < 240 ? reader.oneOf(chatCommands).name : value(), ...fields }
  return JSON.stringify(command)
}

const commands: FuzzTarget = {
  name: 'json-commands',
  reaches: 'lines of the JSON face, as bytes and as commands',
  isAsync: true,
  seeds: () => [
    seed('{"do":"who"}\n{"do":"msg","peer":["anna"],"text":"hi","wait":5,"tag":1}\r\n'),
    seed('{"do":"history","peer":"anna","limit":10}'),
    seed('[1]'),
    choices(200, 9, 3, 0, 1, 2, 3, 4, 5)
  ],
  async run(input) {
    const isText = ((input[0] ?? 0) & 1) === 0
    const reader = new InputReader(input.subarray(1))
    const bytes = isText ? input.subarray(1) : Buffer.from(reader.list(8, () => someCommand(reader)).join('\n'))
    const maxBytes = 1024
    for await (const line of readLines([bytes] as unknown as AsyncIterable<Uint8Array>, { maxBytes })) {
      if (line.is === 'too long') continue
      promise(Buffer.byteLength(line.text) <= 3 * maxBytes, 'a line is no longer than allowed')
      const command = readJsonCommand(line.text)
      if (command.is === 'error') promise(command.code !== '' && command.message !== '', 'an error says what it is')
    }
  }
}

let folder: string | undefined

const config: FuzzTarget = {
  name: 'config-file',
  reaches: 'the file of settings, the environment and the flags',
  weight: 8,
  isAsync: true,
  seeds: () =>
    [
      '{"name":"anna","port":4001}',
      '{"giveUp":"3d","keep":"forever","mdns":false}',
      '{"directory":["8000"]}',
      '[]'
    ].map(seed),
  async run(input) {
    folder ??= mkdtempSync(join(tmpdir(), 'parley-fuzz-'))
    const isText = ((input[0] ?? 0) & 1) === 0
    const reader = new InputReader(input.subarray(1))
    const text = isText ? textOf(input) : someSettings(reader)
    mkdirSync(join(folder, 'parley'), { recursive: true })
    writeFileSync(join(folder, 'parley', 'config.json'), text)
    const name = reader.oneOf(settingSpecs)
    const env = { XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder, [name.env]: reader.text(20).replaceAll('\0', '') }
    const loaded = await allowAsync([UsageError], async () => loadConfig({ flags: {}, env }))
    if (loaded === undefined) return
    const { port, network, profile } = loaded.settings
    promise(port === undefined || (Number.isInteger(port) && port > 0 && port <= 65_535), 'a port is one')
    promise(!/[/\\\0]|^\.*$/u.test(profile) && !/[/\\\0]/u.test(network), 'a profile stays in its folder')
  },
  async stop() {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    folder = undefined
  }
}

function someSettings(reader: InputReader): string {
  const entries = reader.list(5, () => {
    const key = reader.byte() < 240 ? reader.oneOf(settingSpecs).name : reader.text(10)
    const value: unknown = reader.oneOf([
      reader.text(30),
      reader.safe(),
      reader.flag(),
      null,
      [reader.text(9)],
      {},
      '3d',
      '8000'
    ])
    return [key, value] as const
  })
  return JSON.stringify(Object.fromEntries(entries))
}

export const targets: readonly FuzzTarget[] = [cleaning, words, commands, config]
