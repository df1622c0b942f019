// Help for one command, by any way to write its name.
import { expect, test } from 'vitest'
import { argumentsFromJson, argumentsFromLine } from '../../../src/cli/chat-commands/command-arguments.ts'
import { chatCommands, findCommand } from '../../../src/cli/chat-commands/chat-commands.ts'
import { helpLines } from '../../../src/cli/chat-commands/result-lines.ts'
import type { CommandArguments } from '../../../src/cli/chat-commands/chat-command.ts'
import { FakeNode } from '../fake-node.ts'

const help = findCommand('help') ?? chatCommands[0]

async function named(args: CommandArguments): Promise<readonly string[]> {
  const node = new FakeNode()
  const resolve = async (words: readonly string[]) => node.resolve(words)
  const result = await help?.run({ node, current: undefined, resolve }, args)
  return result?.is === 'help' ? result.commands.map(({ name }) => name) : []
}

async function asked(rest: string): Promise<readonly string[]> {
  return help === undefined ? [] : named(argumentsFromLine(help, rest))
}

test('every command is found by its name and its aliases, with and without a slash, in capitals too', async () => {
  for (const { name, aliases } of chatCommands) {
    for (const word of [name, ...aliases]) {
      expect(await asked(word)).toEqual([name])
      expect(await asked(`/${word.toUpperCase()} `)).toEqual([name])
    }
  }
})

test('nothing asked for means all commands, and what is no command is named', async () => {
  expect(await asked('')).toHaveLength(chatCommands.length)
  await expect(asked('/verfy')).rejects.toThrow('There is no command /verfy: /help lists them. Did you mean /verify?')
})

test('a program asks in the same way', async () => {
  if (help === undefined) throw new Error('there is no help')
  expect(await named(argumentsFromJson(help, { text: 'msg' }))).toEqual(['msg'])
})

test('one command stands in one line, without what holds for all', () => {
  expect(helpLines(chatCommands.filter(({ name }) => name === 'block'))).toEqual([
    '/block [PEER]          refuse all connections of PEER (default: the open conversation, else the only request)'
  ])
})
