// Why a directory does not become, or remain, a fellow. Each is answered with
// another patience.

/** What answers there serves no federation. */
export class NoFellowError extends Error {
  override readonly name = 'NoFellowError'

  constructor(options?: { cause?: unknown }) {
    super('that node is no Parley directory that joins with others: check the address', options)
  }
}

/** The directory is of another network. */
export class OtherNetworkFellowError extends Error {
  override readonly name = 'OtherNetworkFellowError'
  readonly ours: string
  readonly theirs: string

  constructor(ours: string, theirs: string) {
    super(
      `the directory is of the network ${JSON.stringify(theirs)}, not ${JSON.stringify(ours)}: ` +
        'start both with the same --network'
    )
    this.ours = ours
    this.theirs = theirs
  }
}

/** One side has no place for the other, or does not want to hear from it for a while. */
export class FellowRefusedError extends Error {
  override readonly name = 'FellowRefusedError'

  constructor() {
    super('refused as a fellow directory: there are as many as may be, or it has flooded')
  }
}
