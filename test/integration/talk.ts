// What two real peers say to each other, counted: all of it arrives, once and in order,
// whatever the paths are that it takes. It knows nothing of these paths but their names.
import type { JsonParley } from '../fault/json-parley.ts'
import { numbered, sayMany } from './apart.ts'

/** Messages each way while a path changes: they take longer than the change. PARLEY_LONG=1 asks for 2,000. */
export const messagesAcrossPaths = process.env['PARLEY_LONG'] === '1' ? 2_000 : 500

export interface Talkers {
  readonly anna: JsonParley
  readonly annaId: string
  readonly berta: JsonParley
  readonly bertaId: string
}

/** What two say to each other. */
export class Talk {
  readonly sent = { anna: [] as string[], berta: [] as string[] }
  readonly #talkers: Talkers

  constructor(talkers: Talkers) {
    this.#talkers = talkers
  }

  /** Both say so many, and all of it arrives. */
  async say(count: number): Promise<void> {
    const { anna, annaId, berta, bertaId } = this.#talkers
    const fromAnna = numbered(`anna, after ${this.sent.anna.length}:`, count)
    const fromBerta = numbered(`berta, after ${this.sent.berta.length}:`, count)
    this.sent.anna.push(...fromAnna)
    this.sent.berta.push(...fromBerta)
    sayMany(anna, bertaId, fromAnna)
    sayMany(berta, annaId, fromBerta)
    await Promise.all([
      berta.untilTexts(annaId, this.sent.anna.length),
      anna.untilTexts(bertaId, this.sent.berta.length)
    ])
  }

  /** The states of the conversation that each of the two was told. */
  told(): readonly (readonly string[])[] {
    const { anna, annaId, berta, bertaId } = this.#talkers
    return [anna.conversationStates(bertaId), berta.conversationStates(annaId)]
  }

  /** Both are told that the conversation is open by such a path. */
  async untilPath(path: string): Promise<void> {
    const { anna, annaId, berta, bertaId } = this.#talkers
    await Promise.all([anna.untilPath(bertaId, path), berta.untilPath(annaId, path)])
  }

  arrived(): { readonly anna: readonly string[]; readonly berta: readonly string[] } {
    const { anna, annaId, berta, bertaId } = this.#talkers
    return { anna: berta.textsFrom(annaId), berta: anna.textsFrom(bertaId) }
  }
}
