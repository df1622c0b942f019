// How long a test waits for an event that may still come. On a machine at rest all of them come within a second or two;
// beside other work they take as much longer as that work takes. Only a test that fails waits for so long.

/** For one event, on a machine at rest; `eventually` and `until` wait as much longer as the machine is busy. */
export const eventualMs = 90_000
/** For a whole test, which waits for some. What it waits for has its own patience: this ends one that hangs. */
export const testMs = 600_000

/** For a libp2p node that a test connects with: libp2p's own limits of five and ten seconds would measure the machine. */
export const patientConnections = {
  dialTimeout: eventualMs,
  addressDialTimeout: eventualMs,
  inboundUpgradeTimeout: eventualMs,
  inboundStreamProtocolNegotiationTimeout: eventualMs,
  outboundStreamProtocolNegotiationTimeout: eventualMs
}
