// The exit codes of every command. They are part of the interface: a number
// that has been given out keeps its meaning.

export const exitCodes = {
  ok: 0,
  /** Something that nobody foresaw. */
  unexpected: 1,
  /** The command line or a setting can't be understood. */
  usage: 2,
  /** PEER names nobody, several, oneself, a directory, or a stranger by nickname. */
  peerNotFound: 3,
  /** The peer could not be reached in the time given; nothing was delivered. */
  unreachable: 4,
  /** Stored over there as a stranger's request, not yet accepted. */
  held: 5,
  /** Handed to a peer whose dialect has no receipts. */
  unconfirmed: 6,
  /** The other side, or a limit, refused the message. */
  refused: 7,
  /** Another parley holds the profile. */
  profileInUse: 8,
  /** Somebody else answers where a known peer did. */
  keyChanged: 9,
  /** The port to listen on is taken. */
  portTaken: 10,
  /** The history can't be read or written: the disk is full, read-only or damaged. */
  storage: 11,
  /** Stored here, and delivered when the peer is seen again. */
  queued: 12,
  /** No parley runs on the profile. */
  notRunning: 13,
  /** The identity key is protected, and there was no passphrase to unlock it with. */
  locked: 14,
  /** The passphrase does not fit. */
  wrongPassphrase: 15,
  /** The file to import is damaged, cut short, or no exported profile. */
  archive: 16,
  /** Ended by Ctrl-C before it was done. */
  interrupted: 130
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]
