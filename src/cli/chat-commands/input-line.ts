// What a typed line means at each prompt, as plain data: a command, a word of
// the original program (EXIT, QUIT), a peer, a host, a port or a message. It
// knows no peers, no screen and no commands beyond their slash.
import { isIP } from 'node:net'
import { isPort } from '../../lib/index.ts'

export interface SlashCommand {
  readonly is: 'command'
  /** Without the slash, in lower case. */
  readonly name: string
  /** Everything after the name, as typed. */
  readonly rest: string
}

export type PeerPromptInput =
  | SlashCommand
  | { readonly is: 'nothing' }
  | { readonly is: 'quit' }
  | { readonly is: 'exit' }
  /** A host without a port: the port is asked for next. */
  | { readonly is: 'host'; readonly host: string }
  | { readonly is: 'peer'; readonly words: readonly string[] }

export type PortPromptInput =
  | SlashCommand
  | { readonly is: 'back' }
  | { readonly is: 'quit' }
  | { readonly is: 'port'; readonly port: number }
  /** Another host, or one with its port: the person starts over. */
  | { readonly is: 'host'; readonly host: string }
  | { readonly is: 'peer'; readonly words: readonly string[] }
  | { readonly is: 'bad port'; readonly typed: string }

export type ConversationInput =
  | SlashCommand
  | { readonly is: 'nothing' }
  | { readonly is: 'exit' }
  | { readonly is: 'message'; readonly text: string }

/** The prompt takes EXIT and QUIT in capitals only where a message could be meant. */
const exitWord = 'EXIT'
/** Screens and invitations say `parley chat …` of a peer; where the chat is open already, the rest is the peer. */
const asInShell = /^\s*parley\s+chat\s+(?=\S)/iu

/** At `Peer (name, number, address or host): `. */
export function readAtPeerPrompt(line: string): PeerPromptInput {
  const command = readCommand(line)
  if (command !== undefined) return command
  const words = splitWords(line.replace(asInShell, ''))
  const [first] = words
  if (first === undefined) return { is: 'nothing' }
  if (words.length === 1) {
    const word = first.toLowerCase()
    if (word === 'quit') return { is: 'quit' }
    if (word === 'exit') return { is: 'exit' }
    if (isBareHost(first)) return { is: 'host', host: first }
  }
  return { is: 'peer', words }
}

/** At `Port: `, after a host. */
export function readAtPortPrompt(line: string): PortPromptInput {
  const command = readCommand(line)
  if (command !== undefined) return command
  const typed = line.trim()
  if (typed === '' || typed.toLowerCase() === 'exit') return { is: 'back' }
  if (typed.toLowerCase() === 'quit') return { is: 'quit' }
  if (isTypedPort(typed)) return { is: 'port', port: Number(typed) }
  const words = splitWords(typed)
  const [first = ''] = words
  if (words.length === 1 && isBareHost(first)) return { is: 'host', host: first }
  return isAddress(words) ? { is: 'peer', words } : { is: 'bad port', typed }
}

function isTypedPort(typed: string): boolean {
  return /^\d{1,5}$/u.test(typed) && isPort(Number(typed))
}

/** HOST PORT, HOST:PORT or a multiaddr. A host of one label has a letter, so that it is no mistyped port. */
function isAddress(words: readonly string[]): boolean {
  const [first = '', second] = words
  if (words.length > 2) return false
  if (second === undefined && first.startsWith('/')) return true
  const colon = first.lastIndexOf(':')
  const [host, port] = second === undefined ? [first.slice(0, Math.max(0, colon)), first.slice(colon + 1)] : words
  return isTypedPort(port ?? '') && (isBareHost(host ?? '') || /^[\w-]*[a-z][\w-]*$/iu.test(host ?? ''))
}

/** In a conversation. `QUIT` is text here, as it was in the original program; `/quit` works everywhere. */
export function readInConversation(line: string): ConversationInput {
  // Two slashes: a message that begins with one.
  if (line.startsWith('//')) return { is: 'message', text: line.slice(1) }
  const command = readCommand(line)
  if (command !== undefined) return command
  if (line.trim() === '') return { is: 'nothing' }
  if (line.trim() === exitWord) return { is: 'exit' }
  return { is: 'message', text: line }
}

/** Whether the line may become EXIT: then no typing notice is sent. */
export function mayBecomeExit(line: string): boolean {
  return exitWord.startsWith(line.trim())
}

/** `/name rest`; a path such as /ip4/… is an address and no command. */
function readCommand(line: string): SlashCommand | undefined {
  const match = /^\s*\/([A-Za-z][\w-]*)(?:\s+(.*))?$/su.exec(line)
  const name = match?.[1]
  if (name === undefined) return undefined
  return { is: 'command', name: name.toLowerCase(), rest: (match?.[2] ?? '').trim() }
}

/** A lone backslash at the end says that the message goes on in the next line; two stand for one. */
export function continuation(line: string): { readonly text: string; readonly more: boolean } {
  const backslashes = /\\*$/u.exec(line)?.[0].length ?? 0
  if (backslashes === 0) return { text: line, more: false }
  return { text: line.slice(0, -1), more: backslashes === 1 }
}

/** Words by white space; "double quotes" keep a name with spaces together. */
export function splitWords(text: string): string[] {
  return Array.from(text.matchAll(/"([^"]*)"|(\S+)/gu), (match) => match[1] ?? match[2] ?? '').filter(
    (word) => word !== ''
  )
}

/** The first word (or quoted name) and everything after it, untouched. */
export function splitFirstWord(text: string): { readonly word: string; readonly rest: string } {
  const match = /^\s*(?:"([^"]*)"|(\S+))(?:\s+(.*))?$/su.exec(text)
  return { word: match?.[1] ?? match?.[2] ?? '', rest: match?.[3] ?? '' }
}

/**
 * Whether this is a host and nothing else: an IP address, `localhost`, or a
 * name with a dot that ends in letters. A name of one label could be anybody's
 * nickname; `HOST PORT` reaches such a host.
 */
export function isBareHost(word: string): boolean {
  const address = word.startsWith('[') && word.endsWith(']') ? word.slice(1, -1) : word
  if (isIP(address.split('%')[0] ?? '') !== 0) return true
  const name = word.toLowerCase().replace(/\.$/u, '')
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  return /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/u.test(name)
}
