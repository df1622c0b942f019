/** Why this node ended a connection that it had accepted. */

/** The connection gave way to others. */
export class GaveWayError extends Error {
  override readonly name = 'GaveWayError'
}

/** Its remote did not do in time what comes next, or sent what can't come. */
export class HandshakeRefusedError extends Error {
  override readonly name = 'HandshakeRefusedError'
}
