// The exit codes of every command. They are part of the interface: a number
// that has been given out keeps its meaning.

export const exitCodes = {
  ok: 0,
  /**
   * An unexpected failure, a Node that is too old, or a step of the demo that was not seen. `PARLEY_DEBUG=1` shows
   * where.
   */
  unexpected: 1,
  /** The command line, a setting or an address can't be understood, or the text is too long. */
  usage: 2,
  /** PEER names nobody, several peers, yourself, a directory, or a stranger by nickname. */
  peerNotFound: 3,
  /** The peer could not be reached in the time given: nothing was delivered, and nothing waits. */
  unreachable: 4,
  /** Stored by the other side as a stranger's request, which is not accepted yet. */
  held: 5,
  /** Sent to a program whose dialect has no receipts. */
  unconfirmed: 6,
  /**
   * The other side, or a limit, refused the message; where that is temporary, the message waits and the text says
   * so.
   */
  refused: 7,
  /**
   * Another parley holds the profile and can't do the work for this command: it does not answer, is on another
   * network, or is no chat.
   */
  profileInUse: 8,
  /** Another key answers where a known peer did. */
  keyChanged: 9,
  /** The port to listen on is taken. */
  portTaken: 10,
  /**
   * The history, or the command's output, can't be read or written: the disk is full, read-only or damaged, or the
   * file is of a newer version.
   */
  storage: 11,
  /** Stored here; it goes out when the peer is seen again. */
  queued: 12,
  /** No parley runs on the profile. */
  notRunning: 13,
  /**
   * The identity key has a passphrase that was not given: there is no terminal to ask on, or the running parley
   * still waits for it.
   */
  locked: 14,
  /** The passphrase does not fit. */
  wrongPassphrase: 15,
  /** The file to import is damaged, cut short, or no exported profile. */
  archive: 16,
  /** `parley doctor`: something is broken, and it is named. */
  problemFound: 17,
  /**
   * `parley await`: no such message came in the time given; `parley invite`: nobody came. The number is that of
   * timeout(1).
   */
  timedOut: 124,
  /** Ended by Ctrl-C or a signal before it was done. */
  interrupted: 130
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
