// Notices that the machine's own addresses have changed: a cable, a Wi-Fi, a
// laptop that wakes. Systems tell nobody of it in a common way, so it looks.
import { networkInterfaces } from './network-interfaces.ts'
import { INTERFACE_POLL_MS } from './constants.ts'

export class InterfaceWatch {
  readonly #onChange: () => void
  #timer: NodeJS.Timeout | undefined
  #last = ''

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  start(): void {
    if (this.#timer !== undefined) return
    this.#last = fingerprint()
    this.#timer = setInterval(() => this.#look(), INTERFACE_POLL_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const now = fingerprint()
    if (now === this.#last) return
    this.#last = now
    this.#onChange()
  }
}

function fingerprint(): string {
  const entries = Object.entries(networkInterfaces())
  return entries.flatMap(([name, list]) => (list ?? []).map(({ address }) => `${name} ${address}`)).join('\n')
}
