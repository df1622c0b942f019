// What is said about directories: which one is used, when one is lost and when
// the last one is. Pure: their states in, lines out.
import type { DirectoryView } from '../chat-api.ts'
import { retryText } from '../wording.ts'

export class DirectoryNews {
  readonly #states = new Map<string, DirectoryView['state']>()

  /** Where one is connected at the start. */
  summary(views: readonly DirectoryView[], hasLan: boolean, nowMs: number): string[] {
    for (const view of views) this.#states.set(view.address, view.state)
    const connected = views.filter(({ state }) => state === 'connected')
    const asked = views.filter(({ state, isDefault }) => !isFine(state) && !isDefault)
    const missing = asked.map((view) => notConnected(view, nowMs))
    if (connected.length > 0) {
      const names = new Intl.ListFormat('en').format(connected.map(({ address }) => address))
      return [`Connected to the ${connected.length === 1 ? 'directory' : 'directories'} ${names}.`, ...missing]
    }
    if (hasLan) return [...missing, 'No directory is connected: you see who is on the local network.']
    return [
      ...missing,
      'No directory is connected, and looking on the local network is off:',
      'start a directory with `parley directory`, or name one with --directory HOST:PORT.'
    ]
  }

  /** The lines that a change is worth. */
  changed(view: DirectoryView, nowMs: number): string[] {
    const before = this.#states.get(view.address)
    this.#states.set(view.address, view.state)
    if (view.state === 'connected') return before === 'connected' ? [] : [`Connected to the directory ${view.address}.`]
    if (before === 'connected') return this.#lost(view, nowMs)
    if (view.isDefault || view.state === 'connecting' || view.state === 'standby') return []
    return before === undefined || before === 'connecting' ? this.#notYetSaid(view, nowMs) : []
  }

  readonly #complained = new Set<string>()

  /** A directory that never answered is complained about once, not at each try. */
  #notYetSaid(view: DirectoryView, nowMs: number): string[] {
    if (this.#complained.has(view.address)) return []
    this.#complained.add(view.address)
    return [notConnected(view, nowMs)]
  }

  #lost(view: DirectoryView, nowMs: number): string[] {
    this.#complained.add(view.address)
    if (view.state === 'refused')
      return [notConnected(view, nowMs), 'Others there do not see you. You still see its roster.']
    const lost = `Lost the directory ${view.address}${because(view)}${retryText(view.retryAtMs, nowMs)}.`
    if ([...this.#states.values()].includes('connected')) return [lost]
    return [lost, 'No directory is connected now. Conversations go on: they need none.']
  }
}

/** One that stands by is not missing: others are used. */
function isFine(state: DirectoryView['state']): boolean {
  return state === 'connected' || state === 'standby'
}

function notConnected(view: DirectoryView, nowMs: number): string {
  const what = view.state === 'refused' ? 'does not register you' : 'is not connected'
  return `The directory ${view.address} ${what}${because(view)}${retryText(view.retryAtMs, nowMs)}.`
}

function because(view: DirectoryView): string {
  return view.why === undefined ? '' : `: ${view.why}`
}
