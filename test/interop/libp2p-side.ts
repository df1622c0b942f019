/**
 * A bare js-libp2p node on the packages that Parley itself is built on, speaking framed
 * text: it shows that the original Noise and Yamux packages and those that have taken
 * their place understand each other, with nothing of Parley between them. With a name it
 * is a program of its own, as identify tells.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'

import type { ChatSide } from './chat-side.ts'
import { EventLog } from './event-log.ts'

const chatProtocol = '/chat/1.0.0'
const timeoutMs = 20_000

type Frames = ReturnType<typeof lpStream<Stream>>

export class Libp2pSide implements ChatSide {
  readonly name: string
  readonly showsEmptyTexts = false
  readonly #texts = new EventLog<string>()
  readonly #streams = new EventLog<Frames>()
  readonly #programName: string | undefined
  #node: Libp2p | undefined

  constructor(programName?: string) {
    this.#programName = programName
    this.name = programName === undefined ? 'js-libp2p on the current packages' : `js-libp2p as ${programName}`
  }

  async listen(): Promise<string> {
    const node = await this.#start()
    await node.handle(chatProtocol, (stream) => this.#adopt(stream))
    return String(node.getMultiaddrs()[0])
  }

  async dial(address: string): Promise<void> {
    const node = await this.#start()
    const signal = AbortSignal.timeout(timeoutMs)
    this.#adopt(await node.dialProtocol(multiaddr(address), chatProtocol, { signal }))
  }

  async send(text: string): Promise<void> {
    const frames = await this.#streams.until('chat stream', timeoutMs, (opened) => opened.at(-1))
    await frames.write(Buffer.from(`${text}\n`), { signal: AbortSignal.timeout(timeoutMs) })
  }

  async received(count: number): Promise<readonly string[]> {
    return this.#texts.until(`${count} texts`, timeoutMs, (texts) => (texts.length >= count ? texts : undefined))
  }

  async stop(): Promise<void> {
    await this.#node?.stop()
  }

  async #start(): Promise<Libp2p> {
    this.#node = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      ...(this.#programName === undefined
        ? {}
        : { nodeInfo: { name: this.#programName, version: '1.0.0' }, services: { identify: identify() } })
    })
    return this.#node
  }

  #adopt(stream: Stream): void {
    const frames = lpStream(stream)
    this.#streams.append(frames)
    void this.#read(frames)
  }

  async #read(frames: Frames): Promise<void> {
    try {
      for (;;) {
        const text = Buffer.from((await frames.read()).subarray())
          .toString()
          .replace(/\n$/, '')
        if (text !== '') this.#texts.append(text)
      }
    } catch (cause) {
      this.#texts.fail(new Error('the stream ended', { cause }))
    }
  }
}
