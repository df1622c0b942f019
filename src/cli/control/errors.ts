// What can go wrong between a command and the parley that runs on its profile.
// Each is an error for people, with the exit code that the command ends with.
import { exitCodes, ParleyError, type ExitCode } from '../../node/settings.ts'

/** A parley runs on the profile and does not answer, or has ended before it did. */
export class NoAnswerError extends ParleyError {
  override readonly name = 'NoAnswerError'
  override readonly exitCode = exitCodes.profileInUse
  /** Undefined when the connection ended. */
  readonly timeoutMs: number | undefined

  constructor(timeoutMs: number | undefined, options?: ErrorOptions) {
    super(
      timeoutMs === undefined
        ? 'the parley that runs on this profile ended before it had answered: it may have done what was asked, or not'
        : `the parley that runs on this profile gave no answer within ${timeoutMs / 1000} s: ` +
            'end that one, or choose another profile with --profile',
      options
    )
    this.timeoutMs = timeoutMs
  }
}

/** Too many programs speak to the running parley at once. */
export class TooManyConnectionsError extends ParleyError {
  override readonly name = 'TooManyConnectionsError'
  override readonly exitCode = exitCodes.profileInUse
}

/** The running parley is on another network than the one that was asked for. */
export class OtherNetworkError extends ParleyError {
  override readonly name = 'OtherNetworkError'
  override readonly exitCode = exitCodes.profileInUse

  constructor(profile: string, running: string, asked: string) {
    super(
      `the profile ${profile} is in use by a parley on the network ${running}, not ${asked}: ` +
        'end that one, or choose another profile with --profile'
    )
  }
}

/** A command failed in the running parley, for the reason that it gave. */
export class RunningCommandError extends ParleyError {
  override readonly name = 'RunningCommandError'
  override readonly exitCode: ExitCode
  /** As in the JSON lines: `peer-not-found`. */
  readonly code: string

  constructor(code: string, message: string, exitCode: unknown) {
    super(message)
    this.code = code
    this.exitCode = Object.values(exitCodes).find((known) => known === exitCode) ?? codesWithoutNumber(code)
  }
}

/** Errors of the JSON lines that are no command's own. */
function codesWithoutNumber(code: string): ExitCode {
  if (code === 'bad-arguments' || code === 'unknown-command' || code === 'line-too-long') return exitCodes.usage
  return code === 'timeout' ? exitCodes.unreachable : exitCodes.unexpected
}
