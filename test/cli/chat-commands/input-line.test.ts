import { describe, expect, it } from 'vitest'
import {
  continuation,
  isBareHost,
  readAtPeerPrompt,
  readAtPortPrompt,
  readInConversation,
  splitFirstWord,
  splitWords
} from '../../../src/cli/chat-commands/input-line.ts'

describe('at the prompt for a peer', () => {
  it.each([
    ['', { is: 'nothing' }],
    ['   ', { is: 'nothing' }],
    ['QUIT', { is: 'quit' }],
    [' quit ', { is: 'quit' }],
    ['EXIT', { is: 'exit' }],
    ['3', { is: 'peer', words: ['3'] }],
    ['bob', { is: 'peer', words: ['bob'] }],
    ['"bob the builder"', { is: 'peer', words: ['bob the builder'] }],
    ['127.0.0.1', { is: 'host', host: '127.0.0.1' }],
    ['localhost', { is: 'host', host: 'localhost' }],
    ['::1', { is: 'host', host: '::1' }],
    ['chat.example.org', { is: 'host', host: 'chat.example.org' }],
    ['127.0.0.1 4001', { is: 'peer', words: ['127.0.0.1', '4001'] }],
    ['127.0.0.1:4001', { is: 'peer', words: ['127.0.0.1:4001'] }],
    ['/ip4/127.0.0.1/tcp/4001', { is: 'peer', words: ['/ip4/127.0.0.1/tcp/4001'] }],
    ['parley chat 7-oak-pilot-river', { is: 'peer', words: ['7-oak-pilot-river'] }],
    ['parley chat 127.0.0.1 4001', { is: 'peer', words: ['127.0.0.1', '4001'] }],
    ['parley chat', { is: 'peer', words: ['parley', 'chat'] }],
    ['/who', { is: 'command', name: 'who', rest: '' }],
    ['/MSG bob  two  spaces', { is: 'command', name: 'msg', rest: 'bob  two  spaces' }]
  ])('%j means %j', (line, meaning) => {
    expect(readAtPeerPrompt(line)).toEqual(meaning)
  })

  it('takes a name of one label for a name and not for a host', () => {
    expect(isBareHost('bob')).toBe(false)
    expect(isBareHost('1.2.3')).toBe(false)
    expect(isBareHost('12')).toBe(false)
  })
})

describe('at the prompt for a port', () => {
  it.each([
    ['8000', { is: 'port', port: 8000 }],
    ['0', { is: 'bad port', typed: '0' }],
    ['99999', { is: 'bad port', typed: '99999' }],
    ['80a', { is: 'bad port', typed: '80a' }],
    ['80 90', { is: 'bad port', typed: '80 90' }],
    ['bob', { is: 'bad port', typed: 'bob' }],
    ['bob:99999', { is: 'bad port', typed: 'bob:99999' }],
    ['10.0.0.7', { is: 'host', host: '10.0.0.7' }],
    ['chat.example.org', { is: 'host', host: 'chat.example.org' }],
    ['10.0.0.7:4001', { is: 'peer', words: ['10.0.0.7:4001'] }],
    ['[::1]:4001', { is: 'peer', words: ['[::1]:4001'] }],
    ['pi 4001', { is: 'peer', words: ['pi', '4001'] }],
    ['/ip4/10.0.0.7/tcp/4001', { is: 'peer', words: ['/ip4/10.0.0.7/tcp/4001'] }],
    ['', { is: 'back' }],
    ['EXIT', { is: 'back' }],
    ['QUIT', { is: 'quit' }],
    ['/help', { is: 'command', name: 'help', rest: '' }]
  ])('%j means %j', (line, meaning) => {
    expect(readAtPortPrompt(line)).toEqual(meaning)
  })
})

describe('in a conversation', () => {
  it.each([
    ['EXIT', { is: 'exit' }],
    ['exit', { is: 'message', text: 'exit' }],
    ['QUIT', { is: 'message', text: 'QUIT' }],
    ['  spaces are kept  ', { is: 'message', text: '  spaces are kept  ' }],
    ['', { is: 'nothing' }],
    ['/quit', { is: 'command', name: 'quit', rest: '' }],
    ['//etc', { is: 'message', text: '/etc' }],
    ['/etc/passwd', { is: 'message', text: '/etc/passwd' }]
  ])('%j means %j', (line, meaning) => {
    expect(readInConversation(line)).toEqual(meaning)
  })

  it('goes on in the next line after a backslash, and two stand for one', () => {
    expect(continuation('first\\')).toEqual({ text: 'first', more: true })
    expect(continuation('C:\\\\')).toEqual({ text: 'C:\\', more: false })
    expect(continuation('plain')).toEqual({ text: 'plain', more: false })
  })
})

describe('words', () => {
  it('are split at white space, quotes keep a name together', () => {
    expect(splitWords(' a "b c"  d ')).toEqual(['a', 'b c', 'd'])
    expect(splitFirstWord('"b c" the  text ')).toEqual({ word: 'b c', rest: 'the  text ' })
    expect(splitFirstWord('bob')).toEqual({ word: 'bob', rest: '' })
  })
})
