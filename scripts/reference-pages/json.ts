// The page of the JSON lines: the commands from the table that all faces share, and
// events, answers and objects from the table that their code is typed with.
import { chatCommands } from '../../src/cli/chat-commands/chat-commands.ts'
import { errorMeanings, noticeMeanings } from '../../src/cli/json/json-codes.ts'
import { answerFields, eventFields, eventMeanings, shapeFields, type Fields } from '../../src/cli/json/json-fields.ts'
import { programParameters } from './chat-commands.ts'
import { cell, table } from './markdown.ts'

type Answer = keyof typeof answerFields

/** Which results a command may have. */
const answersOf: Readonly<Record<string, readonly Answer[]>> = {
  help: ['help'],
  who: ['roster'],
  chat: ['opened'],
  msg: ['sent'],
  path: ['path'],
  exit: ['left'],
  quit: ['quit'],
  detach: ['detached'],
  requests: ['requests', 'requests cleared'],
  read: ['request'],
  accept: ['accepted'],
  ignore: ['ignored'],
  block: ['blocked'],
  unblock: ['unblocked'],
  blocked: ['blocked peers'],
  contacts: ['contacts'],
  rename: ['contact renamed'],
  remove: ['contact removed'],
  doctor: ['examined'],
  verify: ['safety number'],
  confirm: ['safety number'],
  unverify: ['safety number'],
  invite: ['invitation', 'invitations'],
  send: ['sent'],
  get: ['transfer'],
  decline: ['transfer'],
  pause: ['transfer'],
  resume: ['transfer'],
  transfers: ['transfers'],
  share: ['share', 'shares'],
  browse: ['remote folder'],
  fetch: ['fetching'],
  find: ['files found', 'searches'],
  history: ['history', 'messages'],
  more: ['history'],
  show: ['message text'],
  search: ['found'],
  conversations: ['conversations'],
  retry: ['retried'],
  cancel: ['cancelled'],
  forget: ['forgotten'],
  directories: ['directories'],
  name: ['renamed'],
  status: ['status'],
  typing: ['typing notices'],
  id: ['identity']
}

/** What a program has to know of a command beside its help. */
const notes: Readonly<Record<string, string>> = {
  msg: "Answered as soon as the message is stored here; what becomes of it comes as `delivery`. With `id` (32 hexadecimal digits of your own) a program that got no answer may ask again: the message is sent once. With `wait` (seconds) it is answered when the message has settled or the time is over; the next command doesn't wait for that.",
  chat: 'Accepts the peer, keeps reaching for it, and shows it that you are there.',
  requests: 'With the text `clear` it deletes all of them, those of ignored strangers too.',
  read: 'Accepts nothing.',
  ignore: 'Without `peer`: the only request.',
  block: 'Without `peer`: the only request.',
  confirm: 'A nickname is refused: name the peer by its ID.',
  history:
    'The last ones, those before a position, or those after one; oldest first. With `certain` (`true`) a name that could mean another peer too is refused. With `after` and without `peer`: messages of all conversations after that position, each with its `peer` and `name`.',
  retry: '`ids`: these messages alone.',
  cancel: '`ids`: these messages alone.',
  rename: 'Without `text` the contact goes by its own name again.',
  show: '`text`: which one, counted from the last.',
  typing: '`text`: `on` or `off`.',
  send: 'To `peer`, which must be given: `text`, as `msg` sends it, or `files`, a list of absolute paths, or both. With `id` and `wait` as of `msg`.',
  get: '`text`: the `number` of a [transfer](#a-transfer), without it the last that was offered; behind it the folder, an absolute path.',
  decline: '`text`: the number.',
  pause: '`text`: the number.',
  resume: '`text`: the number.',
  invite:
    '`text`: `many N` or `many N for TIME` (`2h`), `list`, or `end NUMBER`; without it a code for one person is made. `list` answers with `invitations`.'
}

const titles: Readonly<Record<keyof typeof shapeFields, string>> = {
  row: 'A row',
  message: 'A message',
  directory: 'A directory',
  request: 'A request',
  room: 'Room',
  invitation: 'An invitation',
  transfer: 'A transfer',
  share: 'A share',
  router: 'Router',
  misbehaviour: 'Misbehaviour'
}

export function jsonPage(): string {
  const names = new Set(chatCommands.map(({ name }) => name))
  const gone = Object.keys({ ...answersOf, ...notes }).filter((name) => !names.has(name))
  if (gone.length > 0) throw new Error(`json.ts speaks of ${gone.join(', ')}, which the chat has not`)
  return `# JSON lines

Written by \`npm run reference\` from the tables with which the program's code is typed.

\`parley --json\` is for programs: one JSON object per line each way, UTF-8. Standard output holds nothing else; diagnostics go
to standard error. Names of events and fields, and IDs, are stable: new fields and events may be added, so skip what you don't
know. \`ready.version\` rises when one changes its meaning. Characters that a terminal could act on, or that can't be seen, are
written as \`\\uXXXX\`. A field without a value is \`null\`. Peers are named by their whole ID in \`peer\`, messages by \`peer\` and
\`id\`. Times ending in \`Ms\` are milliseconds since 1970.

\`\`\`
$ parley --json --profile bot
← {"event":"ready","version":1,"peer":"12D3KooW…","nickname":"bot",…}
→ {"do":"send","tag":1,"peer":"anna","text":"the build is red","wait":5}
← {"event":"sent","peer":"12D3KooW…","id":"8e9f…","direction":"out","state":"pending","text":"the build is red",…}
← {"event":"delivery","peer":"12D3KooW…","id":"8e9f…","state":"delivered","reason":null}
← {"event":"done","do":"send","tag":1,"peer":"12D3KooW…","name":"anna","message":{"id":"8e9f…","state":"delivered",…}}
→ {"do":"quit"}
← {"event":"done","do":"quit"}
← {"event":"bye","reason":"quit"}
\`\`\`

**The profile must be free** (exit code 8): give programs their own with \`--profile\`, or connect to the
[socket](../spec/control-socket.md) of the parley that runs. It speaks the same lines, with a face for each connection; there
\`quit\` and the end of input end the connection only.

**Ending.** \`quit\` waits until what was sent to peers whose conversation is open has settled, at most \`SETTLE_AT_QUIT_MS\`; the
end of input waits for everything that was sent, at most \`SETTLE_AT_END_MS\`. SIGINT and SIGTERM: \`bye\`, exit code 130.

**Slow readers.** A reader may stop for a while. Messages (\`message\`, \`sent\`) are read from the history when it takes them,
so all of them come, in order. Of the other events only as many wait as have room; what is left out is counted in
\`dropped\`. Commands are carried out no faster than their answers are read.

**To miss nothing**, keep the greatest \`position\` that you have processed. After a start, and whenever you may have missed
events, ask \`{"do":"log","after":POSITION,"limit":1000}\`, beginning with 0, and continue with the \`next\` of each answer as
\`after\` until it is \`null\`. A list ends after \`limit\` messages or at about \`MAX_PAGE_BYTES\`, so one with fewer than \`limit\`
need not be the last. Positions grow over all conversations and none is used twice. Messages that arrive meanwhile also come as
\`message\`: skip a \`position\` that you have. An accepted request has the position of its arrival. A later change of an own
message's state moves it nowhere: it comes as \`delivery\`.

## Commands

\`{"do": NAME, "tag": ANYTHING, …}\`. Each command is answered by exactly one \`done\` or \`error\` with the same \`do\` and \`tag\`
(text or number), in order. \`peer\` is text (a peer ID or its beginning, \`HOST:PORT\`, a multiaddr, a contact's name) or a list
of words (\`["127.0.0.1", "4001"]\`). The nickname of a peer that is not a contact works only with \`"trustName": true\`. Programs
are asked no questions: what a person would have to read or confirm is done at once. No conversation is open for them:
\`peer\` may be left out only where the table says what is meant without it. Commands that act on a person refuse an
ambiguous name (\`ambiguous-peer\`).

${table(['do (also)', 'does', 'fields', '`done` carries'], chatCommands.map(commandRow))}
The fields that \`done\` carries:

${table(['field', ''], answerMeanings())}
## Events

${eventNames().map(eventPart).join('\n')}
### Codes of \`notice\`

${table(
  ['code', 'means'],
  Object.entries(noticeMeanings).map(([code, text]) => [`\`${code}\``, cell(text)])
)}
### Codes of \`error\`

${table(
  ['code', 'means'],
  Object.entries(errorMeanings).map(([code, text]) => [`\`${code}\``, cell(text)])
)}
## Objects

${shapeNames()
  .map((name) => `### ${titles[name]}\n\n${fieldsTable(shapeFields[name])}`)
  .join('\n')}`
}

// Object.keys has lost the type of a constant's keys.
const eventNames = (): (keyof typeof eventFields)[] => Object.keys(eventFields) as (keyof typeof eventFields)[]
const shapeNames = (): (keyof typeof shapeFields)[] => Object.keys(shapeFields) as (keyof typeof shapeFields)[]

function commandRow(command: (typeof chatCommands)[number]): string[] {
  const { name, aliases, fields = [], help } = command
  const taken = [
    ...programParameters(command).map((one) => (one.required ? `\`${one.name}\`` : `\`${one.name}\`?`)),
    ...fields.map((field) => `\`${field}\`?`),
    ...(name === 'msg' || name === 'send' ? ['`wait`?'] : [])
  ]
  const answers = answersOf[name]
  if (answers === undefined) throw new Error(`json.ts does not say what ${name} answers`)
  const carried = answers.map((answer) => namesOf(answerFields[answer])).filter((text) => text !== '')
  const note = notes[name]
  return [
    [`\`${name}\``, ...aliases.map((alias) => `\`${alias}\``)].join(', '),
    cell(note === undefined ? help : `${help}. ${note}`),
    taken.join(', '),
    cell(carried.join('; or '))
  ]
}

const namesOf = (fields: Fields): string =>
  Object.keys(fields)
    .map((name) => `\`${name}\``)
    .join(', ')

/** Each field of an answer once, with all that it may mean. */
function answerMeanings(): string[][] {
  const meanings = Map.groupBy(
    Object.values(answerFields).flatMap((fields: Fields) => Object.entries(fields)),
    ([name]) => name
  )
  return [...meanings].map(([name, uses]) => [
    `\`${name}\``,
    cell([...new Set(uses.map(([, meaning]) => meaning))].join('; or '))
  ])
}

function eventPart(name: keyof typeof eventFields): string {
  const same = shapeNames().find((shape) => shapeFields[shape] === eventFields[name])
  const fields =
    same === undefined
      ? fieldsTable(eventFields[name])
      : `The fields of [${titles[same].toLowerCase()}](#${titles[same].toLowerCase().replaceAll(' ', '-')}).\n`
  return `### \`${name}\`\n\n${eventMeanings[name]}\n${fields === '' ? '' : `\n${fields}`}`
}

function fieldsTable(fields: Fields): string {
  const rows = Object.entries(fields).map(([name, meaning]) => [
    name.endsWith('?') ? `\`${name.slice(0, -1)}\`?` : `\`${name}\``,
    cell(meaning)
  ])
  return rows.length === 0 ? '' : table(['field', ''], rows)
}
