// Where the page begins: nothing but putting it where the document has room for it.
import { render } from 'preact'
import { App } from './app.tsx'
import { applyTheme, readTheme } from './model/colours.ts'

// Before anything is drawn, so that nothing changes its colours.
applyTheme(readTheme())
const place = document.querySelector('#page')
if (place !== null) render(<App />, place)
