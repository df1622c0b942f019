// Tells builds apart: a stamp of everything that a build is made of. It is taken
// at each start, so it loads nothing that takes time to load.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const isSource = /\.(?:tsx?|css|html|svg)$/u
/** What else a build depends on; all of it lies in a clone as it lies in an image. */
const otherFiles = [
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/build-page.js',
  'scripts/build-program.js'
]

/**
 * @param {string} root the folder of package.json
 * @returns {string} of the names, sizes and times of all sources, and of the versions of all packages
 */
export function sourceStamp(root) {
  const names = readdirSync(join(root, 'src'), { recursive: true }).filter((name) => isSource.test(name))
  const facts = [...otherFiles, ...names.toSorted().map((name) => join('src', name))].map((name) => {
    const { size, mtimeMs } = statSync(join(root, name))
    return `${join(root, name)} ${size} ${mtimeMs}`
  })
  // By its content: npm writes it anew where nothing has changed.
  return fingerprint([...facts, readFileSync(join(root, 'package-lock.json'), 'utf8')].join('\n'))
}

/** Two sums of 32 bits: nobody forges a source here, and node:crypto takes longer to load than all of this. */
function fingerprint(text) {
  let first = 0x811c9dc5
  let second = 0x9e3779b9
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    first = Math.imul(first ^ unit, 0x01000193)
    second = Math.imul(second ^ unit ^ (second >>> 15), 0x85ebca6b)
  }
  return [first, second].map((sum) => (sum >>> 0).toString(16).padStart(8, '0')).join('')
}
