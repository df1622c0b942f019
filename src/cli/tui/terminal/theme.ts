// What each style looks like: colours of the terminal's own palette, which fit
// light and dark backgrounds, or none at all. Whatever a colour says is
// also there as a sign or a word.

export type ThemeName = 'palette' | 'contrast' | 'mono'

export const themeNames: readonly ThemeName[] = ['palette', 'contrast', 'mono']

export type Style =
  | 'plain'
  | 'dim'
  | 'strong'
  | 'bar'
  | 'bar strong'
  | 'border'
  | 'own'
  | `name ${0 | 1 | 2 | 3 | 4}`
  | 'note'
  | 'warning'
  | 'good'
  | 'mention'
  | 'unread'
  | 'selected'
  | 'found'
  | 'code'

/**
 * The parameters of SGR for each style. No white, black or grey: one of those is the background; no yellow, which
 * nobody reads on white; red is for warnings alone.
 */
const palette: Readonly<Record<Style, string>> = {
  plain: '',
  dim: '2',
  strong: '1',
  bar: '7',
  'bar strong': '7;1',
  border: '2',
  own: '1;36',
  'name 0': '1;32',
  'name 1': '1;34',
  'name 2': '1;35',
  'name 3': '32',
  'name 4': '34',
  note: '2',
  warning: '1;31',
  good: '32',
  mention: '1;35',
  unread: '1;35',
  selected: '7',
  found: '7',
  // The blocks are the light modules: a scanner wants them lighter than the ground, whatever the terminal's colours
  // are.
  code: '97;40'
}

/** Nothing faint, nothing that depends on a colour: bold, underlined, reversed. */
const mono: Readonly<Record<Style, string>> = {
  plain: '',
  dim: '',
  strong: '1',
  bar: '7',
  'bar strong': '7;1',
  border: '',
  own: '1',
  'name 0': '1',
  'name 1': '1',
  'name 2': '1',
  'name 3': '1',
  'name 4': '1',
  note: '',
  warning: '1;4',
  good: '',
  mention: '1;4',
  unread: '1',
  selected: '7',
  found: '7',
  code: ''
}

const contrast: Readonly<Record<Style, string>> = {
  ...mono,
  own: '1;4',
  warning: '7;1;31',
  mention: '7;1',
  unread: '7;1',
  code: '97;40'
}

const sgr: Readonly<Record<ThemeName, Readonly<Record<Style, string>>>> = { palette, contrast, mono }

export function sgrOf(theme: ThemeName, style: Style): string {
  return sgr[theme][style]
}

/** NO_COLOR with any value but an empty one asks for no colours (no-color.org). */
export function themeFor(env: NodeJS.ProcessEnv, wanted: ThemeName | undefined): ThemeName {
  const noColor = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'vt100' || env['TERM'] === 'vt220'
  if (noColor) return 'mono'
  return wanted ?? 'palette'
}

/** The same name has the same colour everywhere. */
export function nameStyle(peer: string): Style {
  let sum = 0
  for (let index = 0; index < peer.length; index++) sum = (sum * 31 + peer.charCodeAt(index)) % 65_521
  return nameStyles[sum % nameStyles.length] ?? 'strong'
}

const nameStyles: readonly Style[] = ['name 0', 'name 1', 'name 2', 'name 3', 'name 4']
