// The command `parley` of one build: a run that takes hours is of one piece,
// whatever happens to the sources meanwhile.
//
//   node parley.ts BUILD …      the folder of the built sources, then parley's own arguments
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [, , build = '', ...args] = process.argv
// What src/cli/main.ts was compiled to.
const { main } = (await import(pathToFileURL(join(build, 'cli', 'main.js')).href)) as {
  main(args: readonly string[]): Promise<never>
}
// Nobody is left to end it.
process.on('disconnect', () => process.exit())
await main(args)
