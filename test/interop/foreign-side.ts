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
  readonly #key: string
  #process: PeerProcess | undefined

  constructor(implementation: Implementation, key: string) {
    this.name = `${implementation.name} (${key})`
    this.showsEmptyTexts = implementation.showsEmptyTexts
    this.#implementation = implementation
    this.#key = key
  }

  async listen(): Promise<string> {
    this.#process = new PeerProcess(this.#implementation.program, ['listen', '--key', this.#key])
    return (await this.#process.first('listening')).address
  }

  async dial(address: string): Promise<void> {
    this.#process = new PeerProcess(this.#implementation.program, ['dial', address, '--key', this.#key])
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

  get streams(): PeerProcess['streams'] {
    return this.#running().streams
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
  }

  #running(): PeerProcess {
    if (this.#process === undefined) throw new Error('listen() or dial() comes first')
    return this.#process
  }
}
