// A process whose wall clock a test sets while it runs, by libfaketime: its other clocks, and those of everybody else,
// stay as they are.
import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [library] = globSync(['/usr/lib/*/faketime/libfaketime.so.1', '/usr/lib/faketime/libfaketime.so.1'])

/** Undefined where a clock can be set. CI has what it needs: there this is a failure, and not a reason to skip. */
export const whyNoShiftedClock =
  library === undefined && process.env['CI'] === undefined ? 'libfaketime is missing (Debian: faketime)' : undefined

export class ShiftedClock {
  /** Goes into the environment of the process. */
  readonly env: NodeJS.ProcessEnv
  readonly #file: string

  /** @param folder of the test */
  constructor(folder: string) {
    if (library === undefined) throw new Error('libfaketime is missing (Debian: apt-get install faketime)')
    this.#file = join(folder, 'clock')
    this.shiftBy('+0')
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      // The file is read each time that somebody asks for the time.
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1'
    }
  }

  /** @param by as libfaketime reads it: `+366d` */
  shiftBy(by: string): void {
    writeFileSync(this.#file, `${by}\n`)
  }
}
