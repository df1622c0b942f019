/**
 * A foreign chat peer as one side of a conversation: a process of its own per
 * conversation, so each comes with a new peer ID.
 */
import { setTimeout as delay } from 'node:timers/promises'

import type { ChatSide } from './chat-side.ts'
import type { Utterance } from './corpus.ts'
import type { Implementation } from './implementations.ts'
import { PeerProcess } from './peer-process.ts'

// Long enough that the pieces of a message are read apart on a busy machine.
const betweenPiecesMs = 60

export class ForeignSide implements ChatSide {
  readonly name: string
  readonly showsEmptyTexts: boolean
  readonly #implementation: Implementation
  readonly #options: readonly string[]
  #process: PeerProcess | undefined

  /** @param options more for the peer's command line */
  constructor(implementation: Implementation, key: string, options: readonly string[] = []) {
    this.name = `${implementation.name} (${key})`
    this.showsEmptyTexts = implementation.showsEmptyTexts
    this.#implementation = implementation
    this.#options = ['--key', key, ...options]
  }

  async listen(): Promise<string> {
    this.#process = new PeerProcess(this.#implementation.program, ['listen', ...this.#options])
    return (await this.#process.first('listening')).address
  }

  async dial(address: string): Promise<void> {
    this.#process = new PeerProcess(this.#implementation.program, ['dial', address, ...this.#options])
    await this.#process.first('stream')
  }

  async send(text: string): Promise<void> {
    this.#running().command({ send: text })
  }

  async say(utterance: Utterance): Promise<void> {
    const peer = this.#running()
    switch (utterance.way) {
      case 'one':
        peer.command({ send: utterance.text })
        return
      case 'several in one write':
        peer.command({ sendMany: utterance.texts })
        return
      case 'in pieces':
        for (const piece of utterance.pieces) {
          peer.command({ raw: Buffer.from(piece).toString('base64') })
          await delay(betweenPiecesMs)
        }
    }
  }

  async received(count: number): Promise<readonly string[]> {
    return this.#running().texts(count)
  }

  /** Resolves when a stream has ended for the peer, or the peer itself has. */
  async sawEnd(): Promise<void> {
    await Promise.race([this.#running().first('closed'), this.#running().exited])
  }

  get streams(): PeerProcess['streams'] {
    return this.#running().streams
  }

  /** Resolves to the exit code, which is 0 for a peer that had not ended before. */
  async stop(): Promise<number | null | undefined> {
    return this.#process?.stop()
  }

  #running(): PeerProcess {
    if (this.#process === undefined) throw new Error('listen() or dial() comes first')
    return this.#process
  }
}
