/**
 * The entry of `npm run test:interop`: Parley against chat peers of other libp2p
 * implementations. It only makes sure of Node 24, which runs the TypeScript beside it.
 */
const neededMajor = 24
if (Number(process.versions.node.split('.')[0]) < neededMajor) {
  console.error(
    `The interoperability tests need Node ${neededMajor} or newer; this is ${process.versions.node}. ` +
      'Run `npm install` and then `npm run test:interop`, which brings the right one.'
  )
  process.exit(2)
}
const { main } = await import('./main.ts')
process.exitCode = await main(process.argv.slice(2))
