import { spawnSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import type { CommandIo } from '../../../src/cli/process/io.ts'
import { ProgramCommand } from '../../../src/cli/options/program-command.ts'
import { givenPassphrase } from '../../../src/cli/process/passphrase.ts'

/** What the tests run of the system. */
const tool = { mkfifo: 'mkfifo' } as const
const asked = { option: 'passphraseFd', mayBeCredential: false } as const

function given(descriptor: number): { readonly passphrase: Promise<string | undefined>; readonly said: () => string } {
  const stderr = new PassThrough()
  const io: CommandIo = {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr,
    env: {},
    interrupted: new AbortController().signal,
    surviveOutputFailure: () => undefined
  }
  const command = new ProgramCommand().takeOptions('send')
  command.parse(['--passphrase-fd', String(descriptor)], { from: 'user' })
  return { passphrase: givenPassphrase(io, command, asked), said: () => String(stderr.read() ?? '') }
}

test('a descriptor that gives nothing for a while is named, and read when it does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const pipe = join(folder, 'pipe')
  spawnSync(tool.mkfifo, [pipe])
  const descriptor = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK)
  onTestFinished(() => closeSync(descriptor))
  const { passphrase, said } = given(descriptor)
  await eventually(() => expect(said()).toContain(`waiting for the passphrase on file descriptor ${descriptor} `))
  writeSync(descriptor, 'correct horse\n')
  expect(await passphrase).toBe('correct horse')
})

test('a descriptor that is not open is refused with how to open one', async () => {
  await expect(given(54_321).passphrase).rejects.toThrow(/no file that can be read is open there \(EBADF\).*3 3<FILE/u)
})
