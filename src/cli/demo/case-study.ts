// The case study, step by step, on terminals that the caller has opened: what
// is typed where, and what must be seen there then. Each step is named for the
// summary; the first that fails ends it.
import type { DemoTerminal } from './demo-terminal.ts'

export interface Stage {
  readonly ports: readonly number[]
  /** @param federationPeer the port of one to join, which introduces it to the rest */
  openDirectory(port: number, federationPeer: number | undefined): DemoTerminal
  openClient(name: string): DemoTerminal
  /** Makes a folder with this file in it. @returns its path */
  makeFolder(name: string, file: string): Promise<string>
  /** Runs a step and remembers that it was seen. */
  step(what: string, run: () => Promise<string | void>): Promise<void>
}

const linesEachWay = 5

export async function playCaseStudy(stage: Stage): Promise<void> {
  const { ports, step } = stage
  const directories = ports.map((port, i) => stage.openDirectory(port, i === 0 ? undefined : ports[0]))
  await step(`Three directories run, on the ports ${ports.join(', ')}.`, async () => {
    await Promise.all(directories.map(async (directory) => directory.hasShown(/listening on/u)))
  })
  await step('They are joined with each other, and keep one roster.', async () => {
    const federationPeers = ports.length - 1
    await Promise.all(directories.map(async (directory) => directory.hasShown(/^JOINED directory /u, federationPeers)))
  })

  const anna = stage.openClient('anna')
  await step('A client connects to a directory, whose terminal shows it as READY.', async () => {
    await Promise.all([
      anna.shows(/Connected to the director(?:y|ies) /u),
      Promise.any(directories.map(async (directory) => directory.shows(/^READY anna /u)))
    ])
  })
  await step('The first client learns that nobody else is online.', async () => {
    await anna.shows(/Nobody else is online/u)
    await anna.shows(/^Peer \(/u)
  })

  const bob = stage.openClient('bob')
  const hosts = await meet(stage, anna, bob)
  await step('Each types the host and then the port of the other.', async () => {
    await typeHostAndPort(bob, hosts.anna)
    await bob.shows(/Conversation with anna/u)
    await anna.shows(/bob has opened a conversation with you/u, 5000).catch(() => undefined)
    await typeHostAndPort(anna, hosts.bob)
    await anna.shows(/Conversation with bob/u)
    await Promise.all([bob.shows(/Connected to anna/u), anna.shows(/Connected to bob/u)])
  })
  await step(`They talk: ${linesEachWay} lines each way.`, async () => talk(anna, bob, 'with directories'))

  await step('Two share a folder; another finds a file in both by a word, and fetches it from both.', async () => {
    const carol = stage.openClient('carol')
    await carol.shows(rowOf('bob'))
    await typeHostAndPort(carol, hosts.bob)
    await carol.shows(/Conversation with bob/u)
    bob.type('/msg carol What do you share?')
    await carol.shows(/^bob: What do you share\?$/u)
    await share(anna, await stage.makeFolder('Slides', 'autumn-plan.txt'))
    await share(carol, await stage.makeFolder('Talks', 'autumn-plan.txt'))
    await fetchFromBoth(bob, anna, carol)
    carol.type('EXIT')
    await carol.shows(/^Online \(2\)/u)
    carol.type('QUIT')
    await carol.ends()
  })

  await step('All three directories are killed.', async () => {
    for (const directory of directories) directory.kill()
    await Promise.all([anna, bob].map(async (client) => client.shows(/No directory is connected now/u)))
  })
  await step(`They talk on without them: ${linesEachWay} more lines each way.`, async () => talk(bob, anna, 'without'))

  await step('EXIT leaves the conversation, back to the list; the other side learns of it.', async () => {
    bob.type('EXIT')
    await bob.shows(/^Online \(1\)/u)
    await anna.shows(/bob has left the conversation/u)
    anna.type('EXIT')
    await anna.shows(/^Online \(1\)/u)
  })
  await step('QUIT ends the program and takes it off the other list.', async () => {
    const startedAtMs = Date.now()
    bob.type('QUIT')
    await anna.shows(/bob .*has gone/u)
    const tookMs = Date.now() - startedAtMs
    await bob.ends()
    return `after ${tookMs} ms`
  })
  await step('The last one ends too.', async () => {
    anna.type('QUIT')
    await anna.ends()
  })
}

interface Address {
  readonly host: string
  readonly port: string
}

async function meet(stage: Stage, anna: DemoTerminal, bob: DemoTerminal): Promise<{ anna: Address; bob: Address }> {
  let found: { anna: Address; bob: Address } | undefined
  await stage.step('Each finds the other on its list, with host and port.', async () => {
    const [annasRow, bobsRow] = await Promise.all([bob.shows(rowOf('anna')), anna.shows(rowOf('bob'))])
    found = { anna: addressIn(annasRow), bob: addressIn(bobsRow) }
  })
  if (found === undefined) throw new Error('the rows were not read')
  return found
}

function rowOf(name: string): RegExp {
  return new RegExp(`^\\s*\\+?\\s*\\d+\\s+${name}\\s+\\S+\\s+(?<host>\\S+)\\s+(?<port>\\d+)\\s`, 'u')
}

function addressIn({ groups }: RegExpExecArray): Address {
  return { host: groups?.['host'] ?? '', port: groups?.['port'] ?? '' }
}

async function typeHostAndPort(client: DemoTerminal, { host, port }: Address): Promise<void> {
  client.type(host)
  await client.shows(/^Port:/u)
  client.type(port)
}

async function talk(one: DemoTerminal, other: DemoTerminal, what: string): Promise<void> {
  for (let line = 1; line <= linesEachWay; line++) {
    one.type(`line ${line} ${what}`)
    await other.shows(new RegExp(`^${one.name}: line ${line} ${what}$`, 'u'))
    other.type(`answer ${line} ${what}`)
    await one.shows(new RegExp(`^${other.name}: answer ${line} ${what}$`, 'u'))
  }
}

/** A file is found once it has been read, which takes a moment. */
async function share(one: DemoTerminal, folder: string): Promise<void> {
  one.type(`/share add '${folder}' --searchable`)
  await one.shows(/is shared as /u)
  for (let isRead = false; !isRead;) {
    one.type('/share')
    const [line] = await one.shows(/.*, found by words/u)
    isRead = line.includes('1 file (') && !line.includes('% read')
  }
}

async function fetchFromBoth(by: DemoTerminal, one: DemoTerminal, other: DemoTerminal): Promise<void> {
  const both = `(?:${one.name} and ${other.name}|${other.name} and ${one.name})`
  by.type('/find autumn')
  await by.shows(new RegExp(`autumn-plan\\.txt +from ${both}`, 'u'))
  by.type(`/fetch ${one.name} Slides/autumn-plan.txt`)
  // On a busy machine one may have sent all of it before the other is asked: the line says from whom it came.
  await by.shows(/autumn-plan\.txt .*is here: /u)
}
