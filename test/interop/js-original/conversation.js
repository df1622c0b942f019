/**
 * The chat streams of this peer: every one is read, and the newest is written to. What is
 * sent before there is one waits for it.
 */
import { lpStream } from '@libp2p/utils'

import { emit } from './events.js'

export const CHAT_PROTOCOL = '/chat/1.0.0'

/** @param {string} text */
const inOurManner = (text) => new TextEncoder().encode(`${text}\n`)

/** @typedef {import('@libp2p/interface').Stream} Stream */
/** @typedef {ReturnType<typeof lpStream<Stream>>} Frames */

export class Conversation {
  #asExample
  /** @type {{ stream: Stream, frames: Frames } | undefined} */
  #newest
  /** @type {Array<(open: { stream: Stream, frames: Frames }) => void>} */
  #queued = []

  /** @param {{ asExample: boolean }} options what the end of a stream is in the example: an error that nobody handles */
  constructor({ asExample }) {
    this.#asExample = asExample
  }

  /**
   * Synchronous up to the first read, so that no early byte is missed.
   *
   * @param {Stream} stream
   * @param {'inbound' | 'outbound'} direction
   */
  adopt(stream, direction) {
    const open = { stream, frames: lpStream(stream) }
    emit({ event: 'stream', direction })
    this.#newest = open
    for (const write of this.#queued.splice(0)) write(open)
    void this.#read(open)
  }

  /** @param {string[]} texts several leave in one write, each in its own frame */
  send(texts) {
    this.#write(({ frames }) => {
      frames.writeV(texts.map(inOurManner)).catch(reportError)
    })
  }

  /** @param {Uint8Array} bytes */
  sendRaw(bytes) {
    this.#write(({ stream }) => stream.send(bytes))
  }

  close() {
    this.#newest?.stream.close().catch(reportError)
  }

  /** @param {(open: { stream: Stream, frames: Frames }) => void} write */
  #write(write) {
    if (this.#newest === undefined) {
      this.#queued.push(write)
      return
    }
    try {
      write(this.#newest)
    } catch (error) {
      reportError(error)
    }
  }

  /** @param {{ stream: Stream, frames: Frames }} open */
  async #read(open) {
    try {
      while (true) {
        const frame = await open.frames.read()
        const text = new TextDecoder().decode(frame.subarray())
        emit({ event: 'text', text: text.replace(/\n$/, '') })
      }
    } catch (error) {
      if (this.#asExample) throw error
      // The only way that reading ends; how it ended makes no difference here.
    }
    if (this.#newest === open) this.#newest = undefined
    emit({ event: 'closed' })
    await open.stream.close().catch(() => open.stream.abort(new Error('could not close')))
  }
}

/** @param {unknown} error */
function reportError(error) {
  emit({ event: 'error', message: String(error) })
}
