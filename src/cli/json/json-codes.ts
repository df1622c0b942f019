// The codes of notices and errors in the JSON lines, with what they mean: the promise
// to scripts, from which docs/reference/json.md is written.
import type { ChatNodeEvents } from '../chat-api/chat-api.ts'

export const noticeMeanings: Readonly<Record<ChatNodeEvents['notice']['detail']['code'], string>> = {
  'port-taken': 'the usual port is taken; another one is used this time',
  'no-multicast': "peers can't be found by mDNS on an interface",
  multicast: 'they can again',
  'key-changed': "another key answers at an address, or uses a contact's name",
  met: 'the maker of an invitation whose code was typed here is a contact now',
  'learned-key': 'the key that answered at an address is remembered',
  history: 'damage was found or repaired',
  'file-modes': 'other users had access to files of the profile',
  'exposed-key': 'other users could read the key',
  directory: 'a directory is stale or withholds peers',
  relay: 'a relay that was named can be used now, or no longer',
  router: 'the router lets others in at an address, which is announced',
  requests: "the room for requests is nearly full, some have expired, or a stranger's program is not read any further",
  unkept: 'text of another program was too long or could not be stored',
  disk: 'a contact is over its quota, or the disk is full or nearly full',
  misbehaviour: 'a remote was cut or refused for what it did',
  'too-many-connections': 'connections give way to others, or no longer do',
  'node-gone': 'the node to which this face is attached has ended, and is looked for',
  'node-back': 'it is there again',
  'not-applied': 'options were given that mean nothing to a node that runs already',
  fault: 'something failed that should not'
}

/** Most are the names of the program's errors. */
export const errorMeanings = {
  'bad-json': 'the line is not one JSON object',
  'line-too-long': 'the line was skipped',
  'unknown-command': 'there is no such command',
  'bad-arguments': "a field is missing, or can't be understood",
  timeout: 'no answer in time',
  unexpected: 'a fault of the program',
  'peer-not-found': 'PEER names no one',
  'ambiguous-peer': 'PEER could mean several peers',
  'lookalike-peer': 'a whole ID that no known peer has and that begins like a known one',
  'own-peer': 'PEER is yourself',
  'directory-peer': 'PEER is a directory',
  'untrusted-name': 'the nickname of a peer that is not a contact',
  'untrusted-beginning': "a few letters of a stranger's ID",
  'bad-address': "the address can't be understood",
  unreachable: 'nothing answers at the address',
  'key-changed': 'another key answers than the known one',
  'message-too-long': 'the text is too long',
  'message-id-taken': 'the `id` was used for another message',
  'storage-problem': "the history can't be read or written",
  usage: "what was asked can't be done, for the reason in `message`",
  'too-many-connections': 'on the socket: there are too many',
  invitation: 'the code of an invitation leads to no one, for the reason in `message`',
  'key-locked': 'the key waits for its passphrase',
  'wrong-passphrase': 'the passphrase does not fit',
  'not-locked': '`unlock`, and the key is not locked'
} as const
