// What a set-up is: a network that is made in one way, and what doctor has to say of it.
import type { DoctorCause } from '../../src/node/api/doctor-report.ts'
import type { Examined, Stage, StageHost } from './stage.ts'

export interface SetUp {
  readonly name: string
  /** The one that must be named; undefined where nothing is broken. */
  readonly cause: DoctorCause | undefined
  /** What one of its findings says, too. */
  readonly says?: RegExp
  /** Other problems that follow from it and may be named too. */
  readonly alongside?: readonly DoctorCause[]
  /** Its commands mend it: doctor is content afterwards. */
  readonly mends?: boolean
  /** A program of the system without which it can't be made. */
  readonly needs?: string
  /** Makes it. */
  readonly make: (stage: Stage) => Promise<Scene>
}

/** Where doctor is asked, and how. */
export interface Scene {
  readonly host: StageHost
  readonly examine: () => Promise<Examined>
}
