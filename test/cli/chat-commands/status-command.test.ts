// The own status line, asked for, set and cleared with a command: in words, and as JSON.
import { expect, test } from 'vitest'
import type { ChatCommand, CommandArguments, CommandResult } from '../../../src/cli/chat-commands/chat-command.ts'
import { argumentsFromJson, argumentsFromLine } from '../../../src/cli/chat-commands/command-arguments.ts'
import { findCommand } from '../../../src/cli/chat-commands/chat-commands.ts'
import { resultLines } from '../../../src/cli/chat-commands/result-lines.ts'
import { resultJson } from '../../../src/cli/json/answer-json.ts'
import { FakeNode } from '../fake-node.ts'

const context = { nowMs: 1_000, numberOf: () => 1, labelOf: () => 'bob', rosterLines: () => [], fold: { rows: 20 } }
const command = statusCommand()

function statusCommand(): ChatCommand {
  const found = findCommand('status')
  if (found === undefined) throw new Error('there is no such command')
  return found
}

async function run(node: FakeNode, args: CommandArguments): Promise<CommandResult> {
  const resolve = async (words: readonly string[]) => node.resolve(words)
  return command.run({ node, current: undefined, resolve }, args)
}

async function said(node: FakeNode, rest: string): Promise<readonly string[]> {
  return resultLines(await run(node, argumentsFromLine(command, rest)), context)
}

test('/status alone shows the status and leaves it; clear takes it away', async () => {
  const node = new FakeNode()
  expect(await said(node, '')).toEqual(['You have no status. /status TEXT sets one.'])
  expect(await said(node, 'at lunch')).toEqual(['Your status: at lunch'])
  expect(await said(node, '')).toEqual(['Your status: at lunch'])
  expect(node.status).toBe('at lunch')
  expect(await said(node, 'clear')).toEqual(['Your status is cleared.'])
  expect(node.status).toBe('')
})

test('a program sets, asks for and clears it', async () => {
  const node = new FakeNode()
  const answers = []
  for (const fields of [{ text: 'busy' }, {}, { text: '' }]) {
    answers.push(resultJson(await run(node, argumentsFromJson(command, fields))))
  }
  expect(answers).toEqual([{ status: 'busy' }, { status: 'busy' }, { status: '' }])
})
