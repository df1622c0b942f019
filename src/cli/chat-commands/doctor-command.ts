// The command of a chat that examines the network. A part of the one table of commands.
import { type ChatCommand, thisPeer } from './chat-command.ts'
import { words } from './named-peer.ts'

/** A number of the roster, which only the face knows. */
const ROSTER_NUMBER = /^\d+$/u

export const doctorCommand: ChatCommand = {
  name: 'doctor',
  aliases: [],
  parameters: [thisPeer],
  help: "why others, or PEER, can't be reached, and what to do",
  run: async (context, args) => {
    const { node, current } = context
    const given = words(args)
    const [first = ''] = given
    const isNumber = given.length === 1 && ROSTER_NUMBER.test(first)
    const peer = isNumber ? (await context.resolve(given)).peer : given.length === 0 ? current : undefined
    const report = await node.examine(peer === undefined ? { words: given } : { peer })
    return { is: 'examined', report }
  }
}
