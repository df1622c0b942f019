/**
 * Parley as one side of a conversation: the real command, run as a process with
 * `--json`. It is the only file here that knows how Parley is driven.
 */
import type { ChatSide } from './chat-side.ts'

/** Why Parley can't take part, if it can't. */
export function whyParleyIsAbsent(): string | undefined {
  return 'the adapter for parley --json is not written yet'
}

export class ParleySide implements ChatSide {
  readonly name = 'Parley'
  readonly showsEmptyTexts = false

  async listen(): Promise<string> {
    throw new Error(whyParleyIsAbsent())
  }

  async dial(_address: string): Promise<void> {
    throw new Error(whyParleyIsAbsent())
  }

  async send(_text: string): Promise<void> {
    throw new Error(whyParleyIsAbsent())
  }

  async received(_count: number): Promise<readonly string[]> {
    throw new Error(whyParleyIsAbsent())
  }

  async stop(): Promise<void> {}
}
