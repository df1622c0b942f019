// The colours of the page: light, dark, or as the system has it, remembered where the
// browser allows it; and one for each peer.

export type Theme = 'auto' | 'light' | 'dark'

const key = 'parley-theme'
const order: readonly Theme[] = ['auto', 'light', 'dark']

export function readTheme(): Theme {
  try {
    return order.find((theme) => theme === localStorage.getItem(key)) ?? 'auto'
  } catch {
    return 'auto' // a browser may refuse to remember anything
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  try {
    localStorage.setItem(key, theme)
  } catch {
    // It holds until the page is closed.
  }
}

export function nextTheme(theme: Theme): Theme {
  return order[(order.indexOf(theme) + 1) % order.length] ?? 'auto'
}

const hues = 24

/**
 * A colour made of the ID, so that an eye finds the same peer in the list and in the picture. It is a hint for eyes and
 * proves nothing.
 *
 * @returns a hue in degrees, one of a few that can be told apart
 */
export function hueOf(id: string): number {
  let hash = 0
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0
  return ((hash >>> 0) % hues) * (360 / hues)
}
