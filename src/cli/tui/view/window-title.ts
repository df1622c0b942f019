// The title of the terminal's window, which is seen where the screen is not: how
// much is unread, and whose window it is.
import type { State } from '../model/state.ts'

export function windowTitle({ unread, unseen, self, selfName }: State): string {
  const count = [...unread.values()].reduce((sum, some) => sum + some, unseen)
  const name = self?.nickname ?? selfName
  return `${count === 0 ? '' : `(${count}) `}Parley${name === undefined ? '' : `: ${name}`}`
}
