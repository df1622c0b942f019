// The kinds of routers that stand between a home and the Internet, each as a set of
// rules for nftables. The interface `lan` leads to the home, `wan` out. Pure: it
// neither makes a router nor gives it the rules.

/** What each kind does to connections. */
export const routerMeanings = {
  plain: 'keeps the port; lets in answers only, by address and port (Linux masquerade)',
  adf: 'keeps the port; lets in everything from an address that was written to',
  'full-cone': 'keeps the port; lets in everything to a port that was written from',
  symmetric: 'another port for each destination, by chance (masquerade fully-random)',
  'tcp-443': 'as plain, and only TCP to port 443 gets out',
  'udp-blocked': 'as plain, and no UDP gets out',
  ipv6: 'symmetric over IPv4; over IPv6 a firewall that lets in answers only'
} as const

export type RouterKind = keyof typeof routerMeanings

/** How long a port stays open that nothing leaves from. */
const openFor = '2m'

/** What `nft -f -` reads. */
export function rulesOf(kind: RouterKind): string {
  const ipv4 = `table ip router {
  ${openings[kind]?.kept ?? ''}
  chain arriving {
    type nat hook prerouting priority dstnat; policy accept;
    ${openings[kind]?.arriving ?? ''}
  }
  chain leaving {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" masquerade ${kind === 'symmetric' || kind === 'ipv6' ? 'fully-random' : ''}
  }
  chain passing {
    type filter hook forward priority filter; policy drop;
    ${openings[kind]?.passing ?? ''}
    ${kind === 'udp-blocked' ? 'meta l4proto udp drop' : ''}
    ct state established,related accept
    ct status dnat accept
    iifname "lan" oifname "wan" ${kind === 'tcp-443' ? 'tcp dport 443' : ''} accept
  }
  ${closedItself}
}
`
  return kind === 'ipv6' ? ipv4 + firewall : ipv4
}

/** For a host on the Internet: others are not on its link, so that no multicast comes from them. */
export const hostRules = `table inet host {
  chain arriving {
    type filter hook input priority filter; policy accept;
    udp dport 5353 drop
  }
}
`

/** Beside the other rules of a router: nobody behind it sends or gets UDP. */
export const udpDropped = `table inet cut {
  chain passing {
    type filter hook forward priority -10; policy accept;
    meta l4proto udp drop
  }
}
`

/** Routers answer nobody on the Internet: a dial there ends in silence, not with a refusal. */
const closedItself = `chain itself {
    type filter hook input priority filter; policy accept;
    iifname "wan" ct state new meta l4proto { tcp, udp } drop
  }`

const firewall = `table ip6 router {
  chain passing {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "lan" oifname "wan" accept
  }
  ${closedItself}
}
`

interface Openings {
  /** What the router remembers of packets that have left. */
  readonly kept: string
  readonly passing: string
  readonly arriving: string
}

const openings: Partial<Readonly<Record<RouterKind, Openings>>> = {
  'full-cone': {
    kept: `map open { type inet_service : ipv4_addr; flags dynamic,timeout; timeout ${openFor}; size 65535; }`,
    passing: 'iifname "lan" meta l4proto { tcp, udp } update @open { th sport : ip saddr }',
    arriving: 'iifname "wan" meta l4proto { tcp, udp } dnat to th dport map @open'
  },
  adf: {
    kept: `map met { type ipv4_addr . inet_service : ipv4_addr; flags dynamic,timeout; timeout ${openFor}; size 65535; }`,
    passing: 'iifname "lan" meta l4proto { tcp, udp } update @met { ip daddr . th sport : ip saddr }',
    arriving: 'iifname "wan" meta l4proto { tcp, udp } dnat to ip saddr . th dport map @met'
  }
}
