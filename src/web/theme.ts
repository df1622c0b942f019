// Light, dark, or as the system has it; remembered where the browser allows it.

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
