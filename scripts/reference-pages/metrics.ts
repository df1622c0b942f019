// The page of a directory's figures, from the registry that serves them.
import { directoryFigures } from '../../src/directory/http/metrics.ts'
import { cell, table } from './markdown.ts'

export async function metricsPage(): Promise<string> {
  const figures = directoryFigures()
  const none = (): number => 0
  figures.bind({
    peers: () => ({ all: 0, here: 0 }),
    federationPeers: () => [{ directory: 'ID', connected: true, alive: true, heardAgoMs: 0 }],
    untold: none,
    federation: () => ({ turnedAway: 0, evicted: 0, cut: 0 }),
    relay: () => ({ reservations: 0, circuits: 0, maxCircuits: 0 }),
    connections: () => ({ open: 0, ofLargest: 0 }),
    peerConnections: () => ({ open: 0, maxOpen: 0, pending: 0, maxPending: 0, ofLargestHolder: 0, gaveWay: 0 })
  })
  // One of each that has labels, so that their names stand in the text.
  figures.directory.announced('accepted')
  figures.directory.refused('stale')
  figures.relay.requested('connected')
  figures.stun.asked('answered')
  figures.http.answered('/', 200)
  figures.http.evicted('query')
  const text = await figures.text()
  const rows = Array.from(
    text.matchAll(/^# HELP (parley_\w+) (.*)\n# TYPE \w+ (\w+)/gmu),
    ([, name = '', help = '', type = '']) => [`\`${name}\``, type, labelsOf(text, name), cell(help)]
  )
  return `# Metrics of a directory

Written by \`npm run reference\` from the registry behind \`/metrics\` ([the HTTP side](../spec/directory-http.md)). Beside
these it serves those of libp2p (\`libp2p_*\`) and of the process (\`process_*\`, \`nodejs_*\`). No label holds a peer.

${table(
  ['metric', 'type', 'labels', 'what'],
  rows.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))
)}`
}

function labelsOf(text: string, name: string): string {
  const [, labels = ''] = new RegExp(`^${name}\\{([^}]*)\\}`, 'mu').exec(text) ?? []
  return Array.from(labels.matchAll(/(\w+)="/gu), ([, label]) => `\`${label}\``).join(', ')
}
