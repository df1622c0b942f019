// The arrows between the folders of src/, held: which folder may import which,
// that no two import each other, that no files go in a circle, and which packages
// have one owner. The table below is the whole rule; ARCHITECTURE.md draws it.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src')

/** Each folder, and the folders that its files may import. */
const mayImport = {
  'chat-protocol': 'lib wire',
  cli: 'cli/chat-commands cli/commands cli/commands/profile cli/options cli/process lib node',
  'cli/attach': 'cli/chat-api cli/control cli/process lib node',
  'cli/chat-api': 'node',
  'cli/chat-commands': 'cli/chat-api cli/process cli/wording lib node',
  'cli/commands':
    'cli/attach cli/chat-api cli/chat-commands cli/control cli/demo cli/json cli/options cli/plain cli/process cli/tui cli/wording lib node node/server',
  'cli/commands/profile': 'cli/attach cli/chat-commands cli/control cli/options cli/process cli/wording lib node',
  'cli/control': 'cli/chat-api cli/chat-commands cli/json cli/process cli/wording lib node',
  'cli/demo': 'cli/process',
  'cli/json': 'cli/chat-api cli/chat-commands cli/process cli/wording lib node',
  'cli/plain': 'cli/chat-api cli/chat-commands cli/process cli/wording lib node',
  'cli/options': 'node',
  'cli/process': 'cli/options lib node',
  'cli/tui':
    'cli/chat-api cli/chat-commands cli/process cli/tui/model cli/tui/terminal cli/tui/update cli/tui/view cli/wording lib node',
  'cli/tui/layout': 'cli/chat-api cli/process cli/tui/model cli/tui/terminal cli/wording lib node',
  'cli/tui/model': 'cli/chat-api cli/chat-commands cli/process cli/tui/terminal cli/wording lib node',
  'cli/tui/terminal': 'cli/process lib',
  'cli/tui/update':
    'cli/chat-api cli/chat-commands cli/process cli/tui/layout cli/tui/model cli/tui/terminal cli/wording lib node',
  'cli/tui/view': 'cli/chat-api cli/tui/layout cli/tui/model cli/tui/terminal cli/wording',
  'cli/wording': 'cli/chat-api cli/process lib node',
  direct: 'direct/stun lib presence wire',
  'direct/stun': 'lib wire',
  directory: 'lib presence wire',
  'directory/audit': 'directory directory/client presence',
  'directory/client': 'directory lib presence wire',
  'directory/federation':
    'directory directory/federation/gossip directory/federation/peers directory/federation/state directory/federation/sync directory/server lib presence wire',
  'directory/federation/gossip': 'directory directory/federation/sync presence wire',
  'directory/federation/peers': 'directory directory/federation/sync lib presence wire',
  'directory/federation/state': 'directory lib presence wire',
  'directory/federation/sync': 'directory directory/federation/state lib presence wire',
  'directory/http': 'lib presence wire',
  'directory/server': 'directory lib presence wire',
  files: 'lib wire',
  'files/disk': 'files lib storage',
  'files/folder': 'files files/disk lib',
  invite: 'lib presence wire',
  'invite/numbers': 'invite presence wire',
  'invite/server': 'invite invite/numbers wire',
  lib: 'lib/unicode',
  node: 'chat-protocol direct files invite lib share node/api node/config node/dialing node/directories node/discovery node/doctor node/doctor/evidence node/files node/invitations node/messaging node/peers node/profile node/reachability node/shares presence relay storage transport wire',
  'node/api': 'lib storage transport',
  'node/config': 'lib node/api storage wire',
  'node/dialing': 'lib node/api node/config relay storage transport wire',
  'node/directories':
    'direct/stun directory lib node/api node/config node/dialing node/peers node/profile presence storage transport wire',
  'node/discovery': 'lib node/api node/dialing transport wire',
  'node/doctor': 'direct/stun lib node/api node/dialing node/discovery node/doctor/evidence wire',
  'node/doctor/evidence': 'direct/stun lib node/api node/dialing node/discovery transport',
  'node/files': 'chat-protocol files lib node/api node/config node/dialing storage wire',
  'node/invitations': 'invite lib node/api node/dialing presence storage wire',
  'node/messaging': 'chat-protocol lib node/api node/config node/dialing node/peers node/profile storage wire',
  'node/peers': 'chat-protocol directory lib node/api node/config node/dialing presence storage transport wire',
  'node/profile': 'lib node/api node/config node/dialing node/peers storage transport',
  'port-mapping': 'lib wire',
  'node/reachability':
    'direct direct/stun lib node/api node/config node/dialing node/directories node/profile port-mapping relay transport wire',
  'node/server':
    'direct/stun directory directory/federation directory/http directory/server invite/server lib node node/api node/config node/dialing node/discovery node/peers node/profile presence relay/server transport wire',
  'node/shares': 'files lib node/api share storage wire',
  presence: 'lib wire',
  relay: 'presence wire',
  'relay/client': 'lib relay wire',
  'relay/server': 'lib relay wire',
  share: 'lib wire',
  'share/disk': 'lib share',
  storage: 'lib',
  'storage/recovery': 'lib storage storage/sqlite',
  'storage/search': 'lib storage storage/sqlite',
  'storage/sqlite': 'storage',
  'storage/store': 'storage storage/recovery storage/search storage/sqlite',
  transport: 'lib transport/tuning transport/websocket wire',
  'transport/tuning': 'wire',
  'transport/websocket': 'lib wire',
  web: 'directory/http web/model web/picture',
  'web/model': 'directory/http lib',
  'web/picture': 'directory/http web/model',
  wire: 'lib',
  'wire/liveness': 'lib wire'
}

/**
 * A part of src/ is entered from another part through its `index.ts`, which may import all that lies below it. These are
 * the other entry points: to what knows no libp2p, to what only a directory needs, and to the types that the page shares.
 */
const entryPoints = [
  'node/settings.ts',
  'node/server/index.ts',
  'directory/http/index.ts',
  'directory/http/roster-api.ts',
  'directory/server/index.ts',
  'directory/federation/index.ts',
  'relay/server/index.ts',
  'invite/server/index.ts'
]

/** Packages, and the only parts of src/ that import them. */
const owners = { libp2p: ['transport', 'node'], 'node:sqlite': ['storage'] }

/** Parts that run in a browser too: no Node and no network. */
const pure = ['lib', 'web']

const imports = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/gu
const files = globSync('**/*.{ts,tsx}', { cwd: source }).filter((file) => !file.includes('/pb/'))
const graph = new Map(files.map((file) => [file, importsOf(file)]))
const faults = new Set([...files.flatMap(faultsOf), ...unused(), ...mutual(), ...circles()])

for (const fault of faults) process.stderr.write(`${fault}\n`)
process.exit(faults.size === 0 ? 0 : 1)

function importsOf(file) {
  const text = readFileSync(join(source, file), 'utf8')
  return [...text.matchAll(imports)].map(([, specifier]) =>
    specifier.startsWith('.') ? { file: normalize(join(dirname(file), specifier)) } : { package: specifier }
  )
}

function faultsOf(file) {
  const part = file.split('/')[0]
  return graph.get(file).flatMap((imported) => {
    if (imported.package !== undefined) return packageFaults(file, part, imported.package)
    const arrow = arrowOf(file, imported)
    if (arrow === undefined) return []
    const isOtherPart = imported.file.split('/')[0] !== part
    if (isOtherPart && !imported.file.endsWith('/index.ts') && !entryPoints.includes(imported.file)) {
      return [`${file}: enter src/${arrow.to} through its index.ts, not ${imported.file}`]
    }
    return listed(arrow.from).includes(arrow.to) ? [] : [`${file}: src/${arrow.from} may not import src/${arrow.to}`]
  })
}

function packageFaults(file, part, name) {
  const allowed = owners[name]
  if (allowed?.includes(part) === false) return [`${file}: ${name} is for ${allowed.join(' and ')}`]
  if (pure.includes(part) && /^(node:|libp2p|@libp2p\/)/u.test(name)) {
    return [`${file}: src/${part} runs in a browser and can't import ${name}`]
  }
  return []
}

/** @returns undefined within a folder, from an index.ts into what lies below it, and to generated code */
function arrowOf(file, imported) {
  if (imported.file === undefined) return undefined
  const from = dirname(file)
  const to = dirname(imported.file)
  if (to === from || to.endsWith('/pb')) return undefined
  if (file.endsWith('/index.ts') && to.startsWith(`${from}/`)) return undefined
  return { from, to }
}

function listed(folder) {
  return mayImport[folder]?.split(' ') ?? []
}

/** A line that nothing needs would let an arrow grow that nobody has looked at. */
function unused() {
  const used = new Set()
  for (const [file, all] of graph) {
    for (const arrow of all.map((imported) => arrowOf(file, imported))) used.add(`${arrow?.from} ${arrow?.to}`)
  }
  return Object.keys(mayImport).flatMap((folder) =>
    listed(folder)
      .filter((other) => !used.has(`${folder} ${other}`))
      .map((other) => `the table lets src/${folder} import src/${other}, which it does not`)
  )
}

function mutual() {
  return Object.keys(mayImport).flatMap((one) =>
    listed(one)
      .filter((other) => one < other && listed(other).includes(one))
      .map((other) => `src/${one} and src/${other} import each other: one way must go`)
  )
}

/** Depth first; each circle as the path of its files. */
function circles() {
  const done = new Set()
  const found = []
  const visit = (file, path) => {
    const at = path.indexOf(file)
    if (at !== -1) found.push(`files import each other in a circle: ${[...path.slice(at), file].join(' → ')}`)
    if (at !== -1 || done.has(file)) return
    for (const { file: next } of graph.get(file) ?? []) if (next !== undefined) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}
