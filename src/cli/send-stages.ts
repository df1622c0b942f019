// What `parley send` is doing while one waits for it, in words: each stage is
// said once, and only when it lasts. Pure but for the timer of `watch`; it knows
// no node and no stream.
import { WORTH_A_WORD_MS, SEND_STAGE_POLL_MS } from './constants.ts'

export type SendStage = 'looking' | 'connecting' | 'receipt'

export class SendStages {
  readonly #say: (line: string) => void
  readonly #said = new Set<SendStage>()
  #stage: SendStage | undefined
  #sinceMs = 0

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** The stage at this time; undefined when there is nothing to wait for. */
  at(stage: SendStage | undefined, name: string, nowMs: number): void {
    if (stage !== this.#stage) {
      this.#stage = stage
      this.#sinceMs = nowMs
    }
    if (stage === undefined || this.#said.has(stage) || nowMs - this.#sinceMs < WORTH_A_WORD_MS) return
    this.#said.add(stage)
    this.#say(wordsOf(stage, name))
  }

  /** Asks for the stage again and again, as long as `work` takes. */
  async watch<T>(name: string, stageNow: () => SendStage | undefined, work: Promise<T>): Promise<T> {
    const look = (): void => this.at(stageNow(), name, performance.now())
    look()
    const timer = setInterval(look, SEND_STAGE_POLL_MS)
    try {
      return await work
    } finally {
      clearInterval(timer)
    }
  }
}

function wordsOf(stage: SendStage, name: string): string {
  switch (stage) {
    case 'looking':
      return `looking for ${name} …`
    case 'connecting':
      return `connecting to ${name} …`
    case 'receipt':
      return `waiting for the receipt of ${name} …`
  }
}
