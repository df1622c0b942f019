/** A profile in one encrypted file: what comes back, what is refused, and that a refusal changes nothing. */
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ChatNode,
  copyHistory,
  exportProfile,
  loadConfig,
  openHistory,
  ProfileArchive
} from '../../../src/node/index.ts'
import type { Config, Imported } from '../../../src/node/index.ts'
import { ArchiveError } from '../../../src/node/api/errors.ts'
import { encodeTar } from '../../../src/node/profile/tar.ts'
import { FileExistsError } from '../../../src/node/profile/profile-export.ts'
import { ProfileExistsError } from '../../../src/node/profile/profile-import.ts'

const absent = '12D3KooWGRUg9TTxDkvfDzvJGuoYS4pKAb7RYcmYZjAMKnFwLTYG'
const identity = await generateX25519Identity()
const recipient = await identityToRecipient(identity)
const signal = new AbortController().signal
let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-move-'))
  file = join(folder, 'profile.age')
})
afterEach(() => rmSync(folder, { recursive: true }))

async function config(home: string, profile = 'default'): Promise<Config> {
  const env = { XDG_DATA_HOME: join(folder, home), XDG_CONFIG_HOME: join(folder, home, 'config') }
  return loadConfig({ flags: { profile, mdns: false, defaultDirectories: false, host: '127.0.0.1' }, env })
}

/** A profile with a contact and messages, one of them waiting. @returns its peer ID */
async function makeProfile(home: string): Promise<string> {
  const node = await ChatNode.create({ config: await config(home), interactive: false })
  await node.start()
  await node.messaging.open(absent)
  for (const text of ['one', 'two']) await node.messaging.send(absent, text)
  await node.stop()
  return node.self.peerId
}

async function write(home: string, force = false): Promise<void> {
  const from = await config(home)
  const history = await copyHistory(from, {})
  const lock = { recipients: [recipient] }
  try {
    await exportProfile({ config: from, file, lock, force, history, signal, onProgress: () => undefined })
  } finally {
    await history.close()
  }
}

async function read(
  home: string,
  options: { force?: boolean; profile?: string; from?: string } = {}
): Promise<Imported> {
  const to = await config(home, options.profile)
  const init = { config: to, force: options.force ?? false, signal, onProgress: () => undefined }
  const archive = await ProfileArchive.open(options.from ?? file, init)
  try {
    return await archive.import({ identities: [identity] }, init)
  } finally {
    await archive.close()
  }
}

async function settle(home: string, settings: string): Promise<void> {
  const { file: path } = await config(home)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, settings)
}

async function messagesOf(home: string, profile?: string) {
  const { history, close } = await openHistory(await config(home, profile))
  const all = []
  for await (const entries of history.export()) all.push(...entries.map(({ message }) => message))
  await close()
  return all
}

const profilesOf = (home: string): string[] => {
  const profiles = join(folder, home, 'parley/profiles')
  return existsSync(profiles) ? readdirSync(profiles).toSorted() : []
}

/** An age file for our identity with any archive in it. */
async function sealed(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const entries = Object.entries(files).map(([name, bytes]) => ({
    name,
    sizeBytes: bytes.length,
    content: (async function* () {
      yield bytes
    })()
  }))
  const parts: Uint8Array[] = []
  for await (const part of encodeTar(entries, 0)) parts.push(part)
  const encrypter = new Encrypter()
  encrypter.addRecipient(recipient)
  const path = join(folder, 'hostile.age')
  writeFileSync(path, await encrypter.encrypt(Buffer.concat(parts)))
  return path
}

test('identity, contacts and messages come back, in new logs, and the settings where there were none', async () => {
  const peer = await makeProfile('old')
  const settings = { name: 'anna' }
  await settle('old', JSON.stringify(settings))
  await write('old')
  expect(await read('new')).toMatchObject({
    manifest: { peer, profile: 'default' },
    settings: 'taken',
    hasPassphrase: false
  })
  const [before, after] = [await messagesOf('old'), await messagesOf('new')]
  const kept = ({ id, text, state, sentAtMs }: (typeof before)[number]): unknown => ({ id, text, state, sentAtMs })
  expect(after.map(kept)).toEqual(before.map(kept))
  expect(after.map(({ text }) => text)).toEqual(['one', 'two'])
  expect(after[0]?.log).not.toBe(before[0]?.log)
  expect(JSON.parse(readFileSync((await config('new')).file, 'utf8'))).toEqual(settings)
  const node = await ChatNode.create({ config: await config('new'), interactive: false })
  await node.start()
  expect({ peer: node.self.peerId, contacts: node.peers.contacts().map((one) => one.peer) }).toEqual({
    peer,
    contacts: [absent]
  })
  await node.stop()
})

test('it is written while the chat goes on, by the chat’s own copy', async () => {
  await makeProfile('old')
  const from = await config('old')
  const node = await ChatNode.create({ config: from, interactive: false })
  await node.start()
  const copy = await node.messaging.copyHistory()
  await node.messaging.send(absent, 'three')
  await node.stop()
  const database = new DatabaseSync(copy, { readOnly: true })
  expect(database.prepare('SELECT text FROM message ORDER BY position').all()).toEqual([
    { text: 'one' },
    { text: 'two' }
  ])
  database.close()
  // A copy that nobody took goes with the next start.
  await messagesOf('old')
  expect(readdirSync(join(folder, 'old/parley/profiles/default')).filter((name) => name.includes('copy'))).toEqual([])
})

test('nothing that is there is replaced unasked', async () => {
  await makeProfile('old')
  await write('old')
  const first = readFileSync(file)
  await expect(write('old')).rejects.toThrow(FileExistsError)
  expect(readFileSync(file).equals(first)).toBe(true)
  await write('old', true)
  expect(readFileSync(file).equals(first)).toBe(false)
  expect(readdirSync(folder).toSorted()).toEqual(['old', 'profile.age'])

  const peer = await makeProfile('new')
  await expect(read('new')).rejects.toThrow(ProfileExistsError)
  const { putAside } = await read('new', { force: true })
  expect(putAside).toMatch(/^default-before-[0-9a-f]{6}$/u)
  expect(profilesOf('new')).toEqual(['default', putAside])
  const node = await ChatNode.create({ config: await config('new', putAside), interactive: false })
  expect(node.self.peerId).toBe(peer)
  await node.stop()
})

test('settings that are there stay', async () => {
  await makeProfile('old')
  await settle('old', '{"name":"anna"}')
  await write('old')
  await makeProfile('new')
  await settle('new', '{"name":"bert"}')
  expect(await read('new', { profile: 'other' })).toMatchObject({ settings: 'kept yours' })
  expect(readFileSync((await config('new')).file, 'utf8')).toBe('{"name":"bert"}')
})

describe('a file that is not what it should be', () => {
  const refused = async (from: string): Promise<string> => {
    const error: unknown = await read('new', { from }).then(
      () => 'imported',
      (reason: unknown) => reason
    )
    expect(error).toBeInstanceOf(ArchiveError)
    expect(profilesOf('new')).toEqual([])
    expect(existsSync((await config('new')).file)).toBe(false)
    return String(error)
  }

  test('is refused with any byte changed, and cut short anywhere', async () => {
    await makeProfile('old')
    await write('old')
    const bytes = readFileSync(file)
    const path = join(folder, 'changed.age')
    // Every byte of the header, then some of each of the 64 KiB that are sealed as one.
    const header = bytes.indexOf('\n--- ') + 50
    const places = Array.from({ length: header }, (_, at) => at)
    for (let at = header; at < bytes.length; at += 4099) places.push(at)
    for (const at of [...places, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x01
      writeFileSync(path, changed)
      await refused(path)
    }
    for (const at of [0, 1, 21, 22, header, header + 16, 65_552, bytes.length - 1024, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, at))
      await refused(path)
    }
  })

  const manifest = Buffer.from(
    JSON.stringify({ format: 1, profile: 'default', peer: absent, program: '0.1.0', exportedAtMs: 1 })
  )

  test('is refused for names that lead elsewhere', async () => {
    for (const name of ['../../../evil', '/tmp/evil', '.bashrc', 'lock', 'history.db-wal']) {
      expect(await refused(await sealed({ 'parley-profile.json': manifest, [name]: Buffer.from('x') }))).toContain(
        'belongs to no profile'
      )
    }
    expect(readdirSync(folder).toSorted()).toEqual(['hostile.age', 'new'])
  })

  test('is refused without a key, with a broken one or another’s, and with what is no history', async () => {
    await makeProfile('old')
    const key = readFileSync(join(folder, 'old/parley/profiles/default/identity.key'))
    const cases: readonly (readonly [Record<string, Uint8Array>, RegExp])[] = [
      [{}, /lacks parley-profile\.json/u],
      [{ 'parley-profile.json': manifest }, /lacks identity\.key/u],
      [{ 'parley-profile.json': Buffer.from('[]') }, /no JSON object/u],
      [{ 'parley-profile.json': Buffer.from('{"format":2}') }, /a newer one may read it/u],
      [{ 'parley-profile.json': manifest, 'identity.key': Buffer.from('x') }, /key can’t be read/u],
      [{ 'parley-profile.json': manifest, 'identity.key': key }, /not the one that it names/u]
    ]
    for (const [files, why] of cases) expect(await refused(await sealed(files))).toMatch(why)
    const own = Buffer.from(manifest.toString().replace(absent, await peerOf('old')))
    const good = { 'parley-profile.json': own, 'identity.key': key }
    expect(await refused(await sealed({ ...good, 'book.json': Buffer.from('{') }))).toMatch(/peer book can’t be read/u)
    expect(await refused(await sealed({ ...good, 'config.json': Buffer.from('7') }))).toMatch(/no JSON object/u)
    expect(await refused(await sealed({ ...good, 'history.db': Buffer.from('x'.repeat(9000)) }))).toMatch(
      /history can’t be read/u
    )
  })

  async function peerOf(home: string): Promise<string> {
    const node = await ChatNode.create({ config: await config(home), interactive: false })
    await node.stop()
    return node.self.peerId
  }

  test('is refused when its history has a trigger', async () => {
    await makeProfile('old')
    const profile = join(folder, 'old/parley/profiles/default')
    const database = new DatabaseSync(join(profile, 'history.db'))
    database.exec('CREATE TRIGGER t AFTER INSERT ON message BEGIN DELETE FROM message; END')
    database.close()
    await write('old')
    expect(await refused(file)).toContain('history can’t be read')
  })

  test('is refused when it is no age file, or encrypted to others', async () => {
    writeFileSync(file, 'just text\n')
    expect(await refused(file)).toContain('not in the age format')
    const other = new Encrypter()
    other.addRecipient(await identityToRecipient(await generateX25519Identity()))
    writeFileSync(file, await other.encrypt('text'))
    expect(await refused(file)).toContain('none of the identities opens it')
  })
})

test('an import that is stopped leaves nothing', async () => {
  await makeProfile('old')
  await write('old')
  const over = new AbortController()
  const to = await config('new')
  const init = { config: to, force: false, signal: over.signal, onProgress: () => over.abort(new Error('enough')) }
  const archive = await ProfileArchive.open(file, init)
  await expect(archive.import({ identities: [identity] }, init)).rejects.toThrow('enough')
  await archive.close()
  expect(profilesOf('new')).toEqual([])
})

test('what a killed import has left goes with the next one', async () => {
  await makeProfile('old')
  await write('old')
  await read('new')
  const profiles = join(folder, 'new/parley/profiles')
  cpSync(join(profiles, 'default'), join(profiles, '.import-0123456789ab'), { recursive: true })
  await read('new', { profile: 'other' })
  expect(profilesOf('new')).toEqual(['default', 'other'])
})
