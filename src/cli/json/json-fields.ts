// Every event and answer of the JSON lines with its fields and what they mean: the
// promise to scripts, from which docs/reference/json.md is written. The functions
// that make the lines have their types from here, so that neither can change alone.
import type { CommandResult } from '../chat-commands/chat-command.ts'

/**
 * Fields by name. One that ends in `?` is left out where it does not apply; all others are there, `null` without a
 * value.
 */
export type Fields = Readonly<Record<string, string>>

type Required<F> = { readonly [K in keyof F as K extends `${string}?` ? never : K]: unknown }
type Optional<F> = { readonly [K in keyof F as K extends `${infer Name}?` ? Name : never]?: unknown }
/** An object with these fields and no others. */
type JsonOf<F> = Required<F> & Optional<F>

const peerAndName = { peer: 'the whole peer ID', name: 'its name here' } as const
const ownIdentity = {
  peer: 'your peer ID',
  shortId: 'its short form',
  nickname: 'your nickname',
  network: 'the network',
  profile: 'the profile',
  addresses: 'where others reach you: multiaddrs'
} as const
const sameNameAs =
  "whose name the peer uses or imitates, a contact's or your own: `peer`, `name`, `shortId`, `verified`, `own`"
const sharesNameWith = 'another peer around with the same name, or one that looks like it: `peer`, `name`, `shortId`'
const trust = {
  verified: 'whether you compared safety numbers',
  verifiedSinceMs: 'since when',
  sameNameAs,
  sharesNameWith
} as const
const page = {
  messages: 'the [messages](#a-message)',
  next: 'what to give as `before`, or as `after`, for the next page; `null` when there was no message'
} as const
const roundTrip = 'round-trip time, when it is known'

/** Objects that stand in several events and answers. */
export const shapeFields = {
  row: {
    peer: 'the whole peer ID',
    shortId: 'its short form',
    name: "a contact's as you know it, else the nickname",
    nickname: 'what the peer calls itself; empty when no character of it can be seen',
    status: 'a line about itself',
    host: 'of the first address',
    port: 'of the first address',
    addresses: 'multiaddrs',
    dialect:
      '`parley`; `framed-text` or `lines` for another program, which is listed while its conversation is open and it is a contact or `accept` lets it in',
    path: '`lan`, `direct`, `relayed` or `none`',
    rttMs: 'round-trip time over the open connection, as it was last measured',
    why: 'in words, while the peer is looked for and there is no way to it',
    sources: 'which sources report the peer: peer IDs of directories, and `lan`',
    via: 'the directories at which the peer is attached, by their word: `directory`, `sinceMs`',
    onlyVia: 'while there are several directories: the only one that reports the peer',
    sinceMs: 'since when it is online',
    contact: 'true or false',
    verified: 'true or false',
    blocked: 'true or false',
    sameNameAs,
    sharesNameWith,
    looksLike: "the name in `sameNameAs`, when it is a contact's"
  },
  message: {
    peer: 'the other side of the conversation',
    id: '32 hexadecimal digits, unique per peer for good',
    direction: '`in` or `out`',
    state: '`out`: `pending`, `held`, `delivered`, `unconfirmed`, `failed`; `in`: `held`, `accepted`',
    reason: 'why it failed',
    seenAtMs: 'when the other side reported that it was on its screen',
    text: 'the text',
    replyTo: 'the ID of the message that it answers',
    files:
      'the files that it offers: `file` (its ID), `name`, `sizeBytes`; of a folder `folder`, with `files` (how many) and `sizeBytes` of all',
    sentAtMs: "by the sender's clock",
    storedAtMs: "by this machine's clock",
    log: "the sender's log",
    seq: 'its number in that log'
  },
  directory: {
    address: 'as it was given or found',
    peer: 'its peer ID',
    state: '`connecting`, `connected`, `waiting`, `refused`; in a list also `standby`',
    why: 'why it is not connected',
    retryAtMs: 'when it is tried again',
    rttMs: roundTrip,
    registered: 'whether it lists you',
    peers: 'how many peers it reports',
    total: 'how many are on its roster',
    by: 'the URL of the WebSocket by which it is connected, where its TCP port was not reached',
    reachedAtMs: 'when it was last reached since the start',
    down: 'it was named, or reached since the start, and does not answer',
    stale: 'peers that it shows as they are no longer: `peer`, `name`, `shortId`',
    withholds:
      'peers that it does not show although they are online: the same, and `provenBy`, peer IDs of directories',
    notJoinedWith: 'peer IDs of your directories that it does not hear',
    forged: "how many records and statements without their owner's signature it sent"
  },
  request: {
    peer: 'the stranger',
    shortId: 'its short form',
    name: 'its nickname',
    text: 'the last message, or its beginning when it is long',
    count: 'how many messages wait',
    sameNameAs,
    sharesNameWith
  },
  room: {
    requests:
      '`messages`, `limit`, `strangers`, and `largest`: the `origin` (an address, a /64, or behind a relay the source that it states) that sent most `messages`',
    historyBytes: 'the size of the history',
    largest: 'the contacts with the largest conversations: `peer`, `name`, `bytes`',
    quotaBytes: 'for each of them; `null`: no limit',
    freeBytes: 'on the disk',
    floorBytes: 'that stay free',
    diskLow: 'true or false'
  },
  invitation: {
    number: 'by which directories know it',
    code: 'number and words: the words are secret',
    link: 'what a QR code of it holds',
    forMany: 'whether those who come become no contacts',
    places: 'how many people it lets in',
    came: 'who has come: `peer`, `name`, `shortId`',
    failedTries: 'wrong codes that were tried',
    expiresAtMs: 'until when it is open',
    directories: 'the directories that know its number',
    end: '`used`, `expired`, `revoked`, `ended` (too many wrong tries); `null` while it is open'
  },
  share: {
    name: 'what others call it',
    folder: 'where it is on this machine',
    with: '`contacts`, `lan` (contacts on the LAN) or `peers`',
    peers: 'their peer IDs, of `peers`',
    searchable: 'whether its files are found by words',
    files: 'how many it has',
    sizeBytes: 'their bytes',
    readFiles: 'how many of them have been read, and can be fetched',
    readBytes: 'their bytes',
    busy: 'it is being looked at, or read',
    why: 'why it is not there, or not all of it is shared'
  },
  transfer: {
    number: 'by which `get`, `decline`, `pause` and `resume` name it',
    direction: '`in` or `out`',
    peer: 'the other side',
    file: 'its file ID',
    name: 'as its sender calls it',
    sizeBytes: 'its size; of a folder, of all files in it',
    files: 'of a folder: how many files are in it',
    doneFiles: 'how many of them are here, while it is fetched',
    state: '`offered`, `waiting` (for its sender, or its turn), `running`, `paused`, `done`, `declined`',
    doneBytes: 'how much of it is here, or has gone out',
    bytesPerSecond: 'of the last seconds, while it runs',
    place: 'its place in the queue of its sender, while it waits: 1 is served next',
    path: 'where it is on this machine',
    why: 'why it waits or failed; of an own folder, what was left out'
  },
  router: {
    state: '`off`: it is not asked; `asking`; `open`: it lets others in, by its own word; `closed`',
    protocol: '`PCP`, `NAT-PMP` or `UPnP`, where it is open',
    address: 'where others come in: `HOST:PORT`',
    announced: 'a directory has confirmed the address, and it is announced',
    why: 'why it is closed'
  },
  misbehaviour: {
    count: 'how many remotes were cut or refused for what they did since the start',
    last: 'the last one: `peer`, `address`, `breach`, `what`, `action`, `atMs`'
  }
} as const satisfies Readonly<Record<string, Fields>>

/** By the name of the event; what each carries beside `event`. */
export const eventFields = {
  ready: {
    version: 'rises when a field changes its meaning; 1',
    ...ownIdentity,
    roster: '[rows](#a-row), each also with `unread`: messages that came while its conversation was not open in a chat',
    directories: '[directories](#a-directory)',
    connections: '`open`, `maxOpen`, `pending`, `maxPending`, `holders` (`from`, `connections`), `gaveWay`',
    lan: 'interfaces: `interface`, `works`, `why`',
    router: '[whether the router lets others in](#router)',
    requests: '[requests](#a-request)',
    misbehaviour: '[misbehaviour](#misbehaviour)',
    conversations: 'those that are not closed: `peer`, `name`, and as in the event `conversation`',
    waiting:
      "`messages`, `peers`, and `more`: true when there are more than were counted; `null` while the history can't be read",
    room: "how much [room](#room) others have used; `null` while the history can't be read",
    'command?': 'on the socket of a command that ends by itself: its name, such as `send`'
  },
  locked: {
    version: '1',
    profile: 'the profile',
    peer: 'your peer ID',
    shortId: 'its short form'
  },
  unlocked: {},
  self: ownIdentity,
  done: { 'do?': 'of the command', 'tag?': 'of the command' },
  error: {
    'do?': 'of the command',
    'tag?': 'of the command',
    code: 'one of the codes below',
    message: 'for a person',
    'exitCode?': 'what `parley send` would end with for the same reason'
  },
  roster: {
    joined: '[rows](#a-row)',
    left: 'rows',
    changed: 'rows; each replaces the one before',
    total: 'how many are online'
  },
  directory: shapeFields.directory,
  message: { ...shapeFields.message, name: 'of its peer', position: 'its place in the history, to go on from' },
  sent: { ...shapeFields.message, name: 'of its peer', position: 'its place in the history, to go on from' },
  delivery: {
    peer: 'the receiver',
    id: 'of the message',
    state: 'as in a [message](#a-message)',
    reason: 'why it failed',
    seenAtMs: "when it was on the other's screen"
  },
  read: peerAndName,
  forgotten: peerAndName,
  request: shapeFields.request,
  contact: { ...peerAndName, contact: 'whether it is still a contact' },
  conversation: {
    ...peerAndName,
    state: '`connecting`, `open`, `waiting`, `closed`',
    'dialect?': 'of `open`: `parley`, `framed-text`, `lines`',
    'path?': 'of `open`: `lan`, `direct` or `relayed`',
    'rttMs?': `of \`open\`: ${roundTrip}`,
    'why?': 'of `waiting`: in words',
    'retryAtMs?': 'of `waiting`: when it is tried again'
  },
  entered: peerAndName,
  typing: peerAndName,
  left: { ...peerAndName, reason: '`left` (the conversation) or `quit` (the network)' },
  refused: {
    ...peerAndName,
    reason: 'words that follow the name',
    retryAfterMs: 'after how long it is asked again'
  },
  invitation: {
    what: '`came`, `failed` (a wrong code was tried), `ended`',
    number: 'of the [invitation](#an-invitation), whose other fields follow',
    code: 'as there',
    link: 'as there',
    forMany: 'as there',
    places: 'as there',
    came: 'as there',
    failedTries: 'as there',
    expiresAtMs: 'as there',
    directories: 'as there',
    end: 'as there',
    'peer?': 'of `came`: who',
    'peerName?': 'of `came`: its name here',
    'from?': 'of `failed`: the address, /64, or source that a relay states'
  },
  share: { shares: '[shares](#a-share), all of them' },
  found: { words: 'of the search', files: 'as in the answer to `find`' },
  transfer: {
    what: '`offered`, `started`, `progress` (about once a second), `wrong-source` (a peer sent something else and is not asked any more), `paused`, `done`, `failed`, `declined`',
    'source?': 'of `wrong-source`: that peer',
    'sourceName?': 'of `wrong-source`: how a line names it',
    number: 'of the [transfer](#a-transfer), whose other fields follow',
    direction: 'as there',
    peer: 'as there',
    file: 'as there',
    name: 'as there',
    sizeBytes: 'as there',
    files: 'as there',
    doneFiles: 'as there',
    state: 'as there',
    doneBytes: 'as there',
    bytesPerSecond: 'as there',
    place: 'as there',
    path: 'as there',
    why: 'as there'
  },
  notice: {
    code: 'one of the codes below',
    text: 'for a person',
    'peer?':
      'of `key-changed`: the new key; of `met`: the new contact; of `misbehaviour`, `unkept` and `disk`: which peer, if it is known',
    'works?': 'of `no-multicast` and `multicast`: whether peers are found on any interface',
    'by?':
      "of `key-changed`: `address`, another key answers there than before; `name`, another key uses a contact's name",
    'was?': 'of `key-changed`: the known key',
    'verified?': 'of `key-changed`: whether the known one is verified',
    'address?': 'of `misbehaviour`: `HOST:PORT`',
    'breach?': 'of `misbehaviour`: which rule was broken',
    'what?': 'of `misbehaviour`: words that follow its name',
    'action?': 'of `misbehaviour`: what was done',
    'times?': 'of `misbehaviour`: since the last such notice'
  },
  dropped: { events: 'how many of each name were left out here' },
  bye: { reason: '`quit`, `end of input`, `interrupted`; on the socket of a locked profile also `unlocked`' }
} as const satisfies Readonly<Record<string, Fields>>

/** When each event is written. */
export const eventMeanings: Readonly<Record<keyof typeof eventFields, string>> = {
  ready: 'The first line.',
  locked:
    'The first line while the key waits for its passphrase. The only commands are `unlock` (`passphrase`) and `quit`; the end of input ends it with exit code 14.',
  unlocked:
    'The passphrase was given, here or elsewhere. `ready` follows; on the socket `bye` with the reason `unlocked`.',
  self: 'Your nickname or your addresses have changed.',
  done: 'A command has been carried out. The fields of each command are in the table of commands.',
  error: 'A command, or a line, was not carried out.',
  roster: 'Peers came, went or changed.',
  directory: "A directory's state has changed.",
  message: 'A message from another peer has been stored.',
  sent: 'A message of yours has been stored: sent by this program, by another command, or in the chat that the program is connected to. For one of your own it comes before `done`.',
  delivery: 'A message of yours has changed its state.',
  read: 'Nothing of a conversation is unread any more: it is on the screen of some face, or was.',
  forgotten: 'All messages of a conversation were deleted here, by any face or command.',
  request: 'A stranger has written.',
  contact: 'A contact was made by the code of an invitation, has another name, or is no longer a contact.',
  conversation: 'The state of a conversation has changed.',
  entered: 'The other side has opened the conversation.',
  typing: 'The other side is typing.',
  left: 'The other side has left.',
  refused: 'The other side takes no messages at the moment.',
  invitation: 'Someone came by an invitation of yours, tried it in vain, or it has ended.',
  transfer: 'A file was offered to you, or has come further.',
  share: 'What you share has changed, or was read further.',
  found: 'A search that goes on has found something new.',
  notice: 'Something that a person should know.',
  dropped: 'The reader was slow, and events were left out here. Messages are never among them.',
  bye: 'The last line.'
}

/** By the result of a command; what its `done` carries beside `do` and `tag`. */
export const answerFields = {
  help: { commands: '`do`, `aliases`, `fields`, `help` of each' },
  roster: {
    roster: '[rows](#a-row), each also with `unread`',
    programs:
      'with `mdnsLibp2p`, other libp2p programs on the LAN without an open conversation: `peer`, `shortId`, `host`, `port`, `addresses`'
  },
  opened: {
    ...peerAndName,
    shortId: 'its short form',
    by: 'how PEER was understood: `id`, `address`, `contact`, `nickname`, `beginning` (a few letters of the ID), `code`',
    ...trust,
    messages: 'the last [messages](#a-message)'
  },
  'safety number': {
    ...peerAndName,
    shortId: 'its short form',
    safetyNumber: 'twelve groups of five digits',
    ...trust
  },
  path: {
    ...peerAndName,
    path: '`lan`, `direct`, `relayed`, `none`',
    address: 'the other end of the connection',
    rttMs: 'round-trip time, measured for this answer',
    why: 'why there is no way to it; of `relayed`, why there is no direct path',
    triedAtMs: 'of `relayed`: when a direct path was tried last',
    retryAtMs: 'when it is tried again, while it is looked for'
  },
  examined: {
    findings:
      '`area`, `verdict` (`ok`, `note`, `problem`), `cause`, `likely`, `text`, `evidence`, `advice`, `commands` of each; [the causes](../guide/doctor.md)'
  },
  left: peerAndName,
  quit: {},
  detached: {},
  request: {
    ...peerAndName,
    shortId: 'its short form',
    sameNameAs,
    messages: 'what waits: [messages](#a-message)'
  },
  namesake: { ...peerAndName, shortId: 'its short form', sameNameAs },
  question: { question: 'in words' },
  accepted: { ...peerAndName, messages: 'those that waited: [messages](#a-message)' },
  ignored: peerAndName,
  blocked: peerAndName,
  unblocked: peerAndName,
  requests: { requests: '[requests](#a-request)' },
  'requests cleared': { strangers: 'how many', messages: 'how many' },
  contacts: {
    contacts:
      '`peer`, `name`, `claimedName` (what the contact calls itself), `sinceMs`, `addresses`, `verified`, `verifiedSinceMs`, `metByCodeSinceMs` (when you met by the code of an invitation), `sameNameAs` of each'
  },
  'blocked peers': { blocked: '`peer`, `name` of each' },
  directories: {
    directories: '[directories](#a-directory)',
    lostAtMs: 'when the connection to the node was lost: they are as they were then; null while there is one'
  },
  renamed: { nickname: 'yours, from now on' },
  'contact renamed': { ...peerAndName, was: 'the name before' },
  'contact removed': peerAndName,
  status: { status: 'yours as it is now; empty for none' },
  'typing notices': { typing: 'whether others see that you are typing' },
  identity: ownIdentity,
  invitation: { invitation: 'an [invitation](#an-invitation)' },
  share: { what: '`added` or `removed`', share: 'a [share](#a-share)' },
  shares: { shares: '[shares](#a-share)' },
  'remote folder': {
    peer: 'whose it is',
    path: 'the folder; empty for all that the peer shares',
    entries:
      'at most 500, in order: `is` (`file` or `folder`), `name`, `sizeBytes`, and of files `modifiedAtMs` and `file`, its file ID (`null` until the peer has read it)',
    more: 'there are more, behind the last name'
  },
  fetching: { transfers: '[transfers](#a-transfer)' },
  'files found': {
    words: 'the words',
    files: 'each with `file` (its file ID), `sizeBytes` and `sources`, each with `peer` and `path`',
    asked: 'contacts that answered',
    silent: 'contacts that did not',
    more: 'there are more'
  },
  searches: { searches: 'the words of each search that goes on' },
  transfer: { transfer: 'a [transfer](#a-transfer)' },
  transfers: { transfers: '[transfers](#a-transfer), the oldest first' },
  invitations: {
    invitations: '[invitations](#an-invitation), those too that have just ended, unless they were taken back'
  },
  sent: { ...peerAndName, message: 'the [message](#a-message)' },
  history: { ...peerAndName, ...page },
  'message text': { ...peerAndName, message: 'the [message](#a-message)' },
  messages: page,
  found: { text: 'the words', ...page },
  retried: { ...peerAndName, count: 'failed messages that wait again' },
  cancelled: { ...peerAndName, count: 'messages that will not be sent' },
  forgotten: { ...peerAndName, count: 'messages that were deleted here' },
  conversations: {
    conversations: '`peer`, `name`, `unread`, `last` (a [message](#a-message)) of each, the newest first'
  }
} as const satisfies Readonly<Record<CommandResult['is'], Fields>>

export type EventName = keyof typeof eventFields
export type EventJson<K extends EventName> = JsonOf<(typeof eventFields)[K]>
export type ShapeJson<K extends keyof typeof shapeFields> = JsonOf<(typeof shapeFields)[K]>
export type AnswerJson<K extends keyof typeof answerFields> = JsonOf<(typeof answerFields)[K]>
