/** What a failure says, and which exit code it has. */
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { type CommandIo, InterruptedError } from '../../../src/cli/process/io.ts'
import { sayFailure } from '../../../src/cli/process/say-failure.ts'
import { exitCodes } from '../../../src/node/settings.ts'

const aborted = new DOMException('The operation was aborted', 'AbortError')

function told(error: unknown, interrupted: AbortSignal): { readonly code: number; readonly text: string } {
  const stderr = new PassThrough().setEncoding('utf8')
  // Nothing else of it is used.
  const io = { stderr, interrupted, env: {} } as unknown as CommandIo
  const code = sayFailure(io, error)
  return { code, text: String(stderr.read() ?? '') }
}

test('an interruption is silent, whichever error it leads to', () => {
  const interrupted = AbortSignal.abort(new InterruptedError())
  expect(told(aborted, interrupted)).toEqual({ code: exitCodes.interrupted, text: '' })
  expect(told(new InterruptedError(), new AbortController().signal)).toEqual({ code: exitCodes.interrupted, text: '' })
})

test('an abort that nobody asked for is a fault, and said', () => {
  const { code, text } = told(aborted, new AbortController().signal)
  expect(code).toBe(exitCodes.unexpected)
  expect(text).toContain('The operation was aborted')
})
