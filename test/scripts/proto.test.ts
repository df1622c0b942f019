/** The frame codecs are made from the .proto files wherever they are missing or stale, and nowhere else. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateFrames } from '../../scripts/proto.ts'

let clone: string
let proto: string
let generated: string

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'parley-proto-'))
  mkdirSync(join(clone, 'src', 'part'), { recursive: true })
  proto = join(clone, 'src', 'part', 'frames.proto')
  generated = join(clone, 'src', 'part', 'pb', 'frames.ts')
  writeFileSync(proto, 'syntax = "proto3";\nmessage Note { string text = 1; }\n')
})

afterAll(() => rmSync(clone, { recursive: true, force: true }))

test('a fresh clone gets them, on top of our own runtime', async () => {
  expect(await generateFrames(clone)).toEqual([generated])
  const text = readFileSync(generated, 'utf8')
  expect(text).toContain('export interface Note')
  expect(text).toContain("from '../../wire/protons-runtime.ts'")
  expect(readdirSync(join(clone, 'src', 'part', 'pb'))).toEqual(['frames.ts'])
})

test('what is there already is left alone', async () => {
  expect(await generateFrames(clone)).toEqual([])
})

test('a changed .proto file is generated anew', async () => {
  writeFileSync(proto, 'syntax = "proto3";\nmessage Note { string words = 1; }\n')
  expect(await generateFrames(clone)).toEqual([generated])
  expect(readFileSync(generated, 'utf8')).toContain('words: string')
})

test('generating at the same time from two sides leaves whole files', async () => {
  rmSync(generated)
  await Promise.all([generateFrames(clone), generateFrames(clone)])
  expect(readFileSync(generated, 'utf8')).toContain('words: string')
  expect(readdirSync(join(clone, 'src', 'part', 'pb'))).toEqual(['frames.ts'])
})
