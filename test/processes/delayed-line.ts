// A line between two ends on this machine that takes time, as one across an ocean
// does, and that can be cut without a word to either end.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../kill/seeded-random.ts'

/** How much longer than the least a part may take. */
const jitterMs = 5

export class DelayedLine {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #random: SeededRandom
  readonly #delayMs: number
  /** Resolves when the line is whole. */
  #whole: Promise<void> = Promise.resolve()
  #mend: () => void = () => undefined

  /** @param init.delayMs the least time of a byte, in each direction */
  static async to(port: number, init: { readonly delayMs: number; readonly seed: number }): Promise<DelayedLine> {
    const line = new DelayedLine(port, init)
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve))
    return line
  }

  private constructor(port: number, { delayMs, seed }: { readonly delayMs: number; readonly seed: number }) {
    this.#delayMs = delayMs
    this.#random = new SeededRandom(seed)
    this.#server = createServer((near) => {
      const far = connect({ host: '127.0.0.1', port })
      this.#pass(near, far)
      this.#pass(far, near)
    })
  }

  get port(): number {
    // It listens on TCP.
    return (this.#server.address() as AddressInfo).port
  }

  /** Nothing gets through from now on, and nobody is told. */
  cut(): void {
    this.#whole = new Promise((resolve) => (this.#mend = resolve))
  }

  /** What is still wanted gets through. */
  mend(): void {
    this.#mend()
  }

  close(): void {
    this.mend()
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** In their order, each part when its time has come. */
  #pass(from: Socket, to: Socket): void {
    let last = Promise.resolve()
    const later = (work: () => void): void => {
      const delayed = sleep(this.#delayMs + this.#random.upTo(jitterMs))
      last = Promise.all([last, delayed])
        .then(async () => this.#whole)
        .then(work)
    }
    this.#sockets.add(from)
    from.setNoDelay(true)
    from.on('error', () => undefined) // 'close' follows
    from.on('data', (bytes) => later(() => void (to.destroyed || to.write(bytes))))
    from.on('close', () => {
      this.#sockets.delete(from)
      later(() => to.destroy())
    })
  }
}
