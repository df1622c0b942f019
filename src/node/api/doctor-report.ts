// What an examination of the network has found: findings as plain data, for a screen, for
// JSON and for a face in another process. How evidence leads to a cause:
// docs/guide/doctor.md.

/** What a finding is about. */
export type DoctorArea = 'lan' | 'vpn' | 'port' | 'directory' | 'reachability' | 'peer'

/** Each finding that is no problem has the cause `none`. */
export const doctorCauses = {
  none: 'nothing is wrong',
  'no-network': 'this machine is on no network',
  'cannot-multicast': 'the interface is not made for multicast, or that is switched off',
  'no-multicast-route': 'the system has no route for multicast on the interface',
  'port-5353-held': 'another program keeps UDP port 5353 for itself',
  'mdns-failed': 'mDNS fails on the interface for another reason, which the text names',
  'firewall-mdns-out': 'a firewall on this machine drops mDNS that leaves',
  'firewall-mdns-in': 'a firewall on this machine drops mDNS that arrives',
  'kill-switch': 'a VPN forbids everything that does not go through it',
  'vpn-route': 'a VPN takes what is meant for the own network',
  'port-taken': 'another program has the port that Parley listens on',
  'firewall-port-in': "a firewall on this machine drops connections to Parley's port",
  'firewall-port-out': 'a firewall on this machine drops connections that leave to that port',
  'directory-down': 'nothing answers where the directory should be',
  'other-network': 'the directory serves a network of another name',
  'directory-refuses': 'the directory is there and refuses this peer',
  clock: "this machine's clock differs from a directory's",
  'ports-filtered': 'the network lets out connections to some ports only',
  'udp-blocked': 'the network lets out no UDP',
  isolated: 'the access point, or the switch, keeps its clients apart',
  'no-neighbour': 'no machine answers at that address of the own network',
  'peer-firewall': 'a machine is there, and drops connections to that port',
  'nothing-listens': 'a machine is there, and no program listens on that port',
  'no-route': 'this machine has no route to the address',
  'ipv6-no-route': 'this machine has no IPv6 route to the address',
  'no-answer': 'nothing answers at the address, and it is not known why',
  'no-address': 'no address of the peer is known, or none that may be dialled from here',
  'not-parley': 'another program answers at the address',
  'key-changed': 'a peer with another key answers at the address',
  blocked: 'the user has blocked the peer',
  'unknown-peer': 'nobody of that name is known',
  relay: 'the relay could not relay to the peer'
} as const satisfies Readonly<Record<string, string>>

export type DoctorCause = keyof typeof doctorCauses

export interface DoctorFinding {
  readonly area: DoctorArea
  /** `ok`: as it should be; `note`: worth knowing, and no fault; `problem`: it keeps people out. */
  readonly verdict: 'ok' | 'note' | 'problem'
  readonly cause: DoctorCause
  /** The evidence has other explanations too. */
  readonly isLikely: boolean
  /** One sentence, without its end. */
  readonly text: string
  /** What it is concluded from, a clause each. */
  readonly evidence: readonly string[]
  /** What to do, as a sentence; empty for nothing. */
  readonly advice: string
  /** Commands for a shell on this machine that mend it, in this order. */
  readonly commands: readonly string[]
}

export interface DoctorReport {
  readonly findings: readonly DoctorFinding[]
}

/** Whom to reach. Without either, only this machine's own network is examined. */
export interface DoctorTarget {
  /** A peer ID. */
  readonly peer?: string
  /** PEER as it was typed; not a number of a roster. */
  readonly words?: readonly string[]
}

export interface ExamineOptions {
  /** What is left of the time that a person waits, in milliseconds: the examination takes no longer, where it can. */
  readonly withinMs?: number
  readonly signal?: AbortSignal
}
