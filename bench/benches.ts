/** The table of benches: what `npm run bench` runs, in this order, and for how long at most. */

export interface Bench {
  /** Its file is `bench/NAME.ts`. */
  readonly name: string
  readonly what: string
  /** Sizes for a run of all, which is to take less than 15 minutes; alone it measures more. */
  readonly whenAll?: readonly string[]
  /** Whatever takes longer, in a run of all, has stalled. */
  readonly limitSeconds: number
}

export const benches: readonly Bench[] = [
  { name: 'messages', what: 'small messages through ChatNode.send() (goal 1)', limitSeconds: 180 },
  { name: 'delivery', what: 'messages stored on both sides (goal 3)', limitSeconds: 180 },
  { name: 'bulk', what: 'bulk bytes over the wire (goal 4)', limitSeconds: 120 },
  { name: 'dial', what: 'dial to first receipt (goal 5)', limitSeconds: 90 },
  { name: 'join', what: 'one join to the last of 1,000 clients (goal 6)', limitSeconds: 180 },
  {
    name: 'directory-capacity',
    what: 'accepts and memory of a directory (goals 7, 8)',
    whenAll: ['--alone', '--joins', '0', '--rest', '5', '--watched', '1000'],
    limitSeconds: 240
  },
  { name: 'directory-stampede', what: 'all clients come back at once (goal 7)', limitSeconds: 180 },
  { name: 'stopped-reader', what: 'what is held for a reader that stops (goal 9)', limitSeconds: 60 },
  { name: 'storage', what: 'a history of a million messages (goal 10)', limitSeconds: 180 },
  { name: 'start', what: 'process start to first prompt (goal 11)', limitSeconds: 90 },
  { name: 'rest', what: 'a client that nobody touches (goal 12)', whenAll: ['--seconds', '20'], limitSeconds: 120 },
  {
    name: 'presence',
    what: 'a person comes, goes and is lost (goal 13)',
    whenAll: ['--rounds', '1'],
    limitSeconds: 120
  },
  { name: 'page', what: 'the roster page in a browser (goal 14)', whenAll: ['--rounds', '3'], limitSeconds: 120 },
  { name: 'attached', what: 'a daemon, and faces that are attached (goal 16)', limitSeconds: 120 },
  {
    name: 'attached-far',
    what: 'own messages on a screen that is attached over a long line (goal 16)',
    limitSeconds: 60
  },
  {
    name: 'relay',
    what: 'relayed conversations on one directory (goal 17)',
    whenAll: ['--rounds', '2'],
    limitSeconds: 150
  },
  {
    name: 'files',
    what: 'a file from disk to disk, beside a raw stream and scp (goal 18)',
    whenAll: ['--rounds', '2', '--megabytes', '256', '--large', '512'],
    limitSeconds: 120
  },
  { name: 'shares', what: 'a large share, a search over many contacts, reading (goal 19)', limitSeconds: 120 },
  { name: 'wire-throughput', what: 'frames through runFrames, beside a bare stream', limitSeconds: 60 },
  {
    name: 'directory-push',
    what: 'a join over one directory and over two',
    whenAll: ['--clients', '100', '--joins', '5'],
    limitSeconds: 90
  },
  {
    name: 'directory-watchers',
    what: 'watchers of pages and queries',
    whenAll: ['--peers', '1000'],
    limitSeconds: 60
  },
  {
    name: 'federation',
    what: 'verifying and merging what directories tell each other',
    whenAll: ['--records', '20000', '--verified', '500'],
    limitSeconds: 90
  },
  { name: 'storage-durability', what: 'ways to make a commit durable', limitSeconds: 60 },
  {
    name: 'full-screen',
    what: 'keys, drawing and memory of the full screen (goal 15)',
    whenAll: ['6'],
    limitSeconds: 90
  }
]
