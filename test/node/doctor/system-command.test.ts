/** What the system's own programs print, also when they don't behave. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ask } from '../../../src/node/doctor/evidence/system-command.ts'

test('a program that hangs and ignores the request to end is killed, and counts as failed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-program-'))
  onTestFinished(async () => rm(folder, { recursive: true }))
  const program = join(folder, 'program')
  await writeFile(program, `#!/bin/sh\ntrap '' TERM\nread -r line\n`)
  await chmod(program, 0o700)
  expect(await ask(program, [], new AbortController().signal)).toMatchObject({ is: 'failed' })
})
