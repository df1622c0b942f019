// What a command that has failed says on standard error, and the exit code for it. An
// interruption is what the user, a signal or the reader of the output has ended; the
// abort of a deadline of our own is a fault, and never silent.
import { type ExitCode, exitCodes, ParleyError } from '../../node/settings.ts'
import { type CommandIo, InterruptedError, writeLines } from './io.ts'
import { OutputFailedError } from './process-output.ts'

/** @returns the exit code */
export function sayFailure(io: CommandIo, error: unknown): ExitCode {
  const why: unknown = io.interrupted.reason
  if (why instanceof OutputFailedError && error !== why) return sayFailure(io, why)
  if (error instanceof InterruptedError || (io.interrupted.aborted && error !== why)) return exitCodes.interrupted
  if (error instanceof Error && error.name === 'TimeoutError') {
    writeLines(io.stderr, ['parley: no answer in time: check the address, or try again'])
    return exitCodes.unreachable
  }
  const text = error instanceof Error ? error.message : String(error)
  const isForeseen = error instanceof ParleyError
  const hint = isForeseen || io.env['PARLEY_DEBUG'] === '1' ? '' : ' (PARLEY_DEBUG=1 shows where)'
  writeLines(io.stderr, [`parley: ${text}${hint}`])
  if (io.env['PARLEY_DEBUG'] === '1' && error instanceof Error) writeLines(io.stderr, (error.stack ?? '').split('\n'))
  return isForeseen ? error.exitCode : exitCodes.unexpected
}
