// Runs one of the system's own programs and reads what it prints. A program that is not
// there, fails or takes long is no error: the answer is then not known.
import { execFile } from 'node:child_process'
import { platform } from 'node:os'

/** They print what the kernel knows, at once, or wait for a service that hangs. */
const COMMAND_TIMEOUT_MS = 2_000

/** A ruleset of thousands of addresses; a tailnet of a thousand machines. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Where the programs of administrators are, which the PATH of others leaves out. */
const adminFolders = ['', '/usr/sbin/', '/sbin/', '/usr/local/sbin/'] as const

export type Answer =
  | { readonly is: 'printed'; readonly text: string }
  /** `text` is what it printed on standard error. */
  | { readonly is: 'failed'; readonly code: number; readonly text: string }
  | { readonly is: 'absent' }

export async function ask(command: string, args: readonly string[], signal: AbortSignal): Promise<Answer> {
  for (const folder of platform() === 'win32' ? [''] : adminFolders) {
    const answer = await run(`${folder}${command}`, args, signal)
    if (answer.is !== 'absent') return answer
  }
  return { is: 'absent' }
}

async function run(file: string, args: readonly string[], signal: AbortSignal): Promise<Answer> {
  // One that hangs may ignore any other signal.
  const killSignal = 'SIGKILL'
  const options = {
    timeout: COMMAND_TIMEOUT_MS,
    killSignal,
    maxBuffer: MAX_OUTPUT_BYTES,
    windowsHide: true,
    signal
  } as const
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ is: 'printed', text: stdout })
      else if (error.code === 'ENOENT') resolve({ is: 'absent' })
      else resolve({ is: 'failed', code: typeof error.code === 'number' ? error.code : -1, text: stderr.trim() })
    })
  })
}

/** The same, where only what it prints matters. */
export async function printed(
  command: string,
  args: readonly string[],
  signal: AbortSignal
): Promise<string | undefined> {
  const answer = await ask(command, args, signal)
  return answer.is === 'printed' ? answer.text : undefined
}
