// Networks in which nothing is broken, however odd they look: doctor must not call any of
// them broken.
import { standInTailscale } from './broken.ts'
import type { Scene, SetUp } from './set-up.ts'
import type { LanInit } from '../netns/lan.ts'
import type { SiteKind } from '../netns/internet.ts'
import { peerPort, type Stage } from './stage.ts'

/** Doctor on the first host of a LAN, about nobody. */
async function onLan(
  stage: Stage,
  {
    script = 'true',
    args = [] as readonly string[],
    ...init
  }: Partial<LanInit> & { script?: string; args?: readonly string[] } = {}
): Promise<Scene> {
  const lan = await stage.lan({ hosts: 2, ...init })
  const host = lan.host(0)
  await stage.shell(host, script)
  return { host, examine: async () => stage.doctor(host, ['--port', String(peerPort), ...args]) }
}

/** Behind a router, with a directory on the Internet. */
async function behind(stage: Stage, kind: SiteKind): Promise<Scene> {
  const internet = await stage.internet([{ kind }, { kind: 'public' }])
  const directory = await stage.directory(internet.host(1))
  const host = internet.host(0)
  return { host, examine: async () => stage.doctor(host, ['--directory', directory]) }
}

const healthySetUp = (name: string, make: SetUp['make'], says?: RegExp): SetUp => ({
  name,
  cause: undefined,
  make,
  ...(says === undefined ? {} : { says })
})

const strictFirewall = `nft 'table inet filter {
  set ports { type inet_service; flags interval; elements = { ${peerPort}, 8000-8002 }; }
  chain input { type filter hook input priority 0; policy drop;
    iif lo accept; ct state vmap { established : accept, related : accept, invalid : drop }
    udp dport 5353 accept; tcp dport @ports accept; meta l4proto { icmp, ipv6-icmp } accept; }
  chain output { type filter hook output priority 0; policy accept; tcp dport 25 drop; }; }'`

export const healthy: readonly SetUp[] = [
  healthySetUp('lan', async (stage) => onLan(stage)),
  healthySetUp('alone-on-a-lan', async (stage) => onLan(stage, { hosts: 1 })),
  healthySetUp('ipv4-only', async (stage) => onLan(stage, { ipv6: false })),
  healthySetUp('ipv6-only', async (stage) => onLan(stage, { ipv4: false, defaultRoute: 'none' })),
  healthySetUp('no-router', async (stage) => onLan(stage, { defaultRoute: 'none' })),
  healthySetUp('no-ipv4-multicast-route', async (stage) =>
    onLan(stage, { defaultRoute: 'none', script: 'ip route add unreachable 224.0.0.0/4' })
  ),
  healthySetUp('vpn', async (stage) => onLan(stage, { defaultRoute: 'vpn' }), /VPN at vpn0/u),
  healthySetUp('strict-firewall', async (stage) => onLan(stage, { script: strictFirewall })),
  healthySetUp('empty-bridge', async (stage) =>
    onLan(stage, {
      script: 'ip link add docker0 type bridge; ip address add 172.17.0.1/16 dev docker0; ip link set docker0 up'
    })
  ),
  healthySetUp('idle-tunnel', async (stage) =>
    onLan(stage, { script: 'ip tuntap add mode tun tun0; ip address add 10.8.0.2/24 dev tun0; ip link set tun0 up' })
  ),
  healthySetUp('two-addresses', async (stage) => onLan(stage, { script: 'ip address add 10.78.0.1/24 dev eth0' })),
  healthySetUp('without-mdns', async (stage) => onLan(stage, { args: ['--no-mdns'] }), /mdns is switched off/u),
  healthySetUp(
    'directory',
    async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const directory = await stage.directory(lan.host(1))
      const host = lan.host(0)
      return { host, examine: async () => stage.doctor(host, ['--directory', directory]) }
    },
    /is connected/u
  ),
  healthySetUp(
    'peer-by-address',
    async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const [host, there] = [lan.host(0), lan.host(1)]
      await stage.peer(there, 'berta')
      return { host, examine: async () => stage.doctor(host, [`${there.address}:${peerPort}`]) }
    },
    /answers at|is connected/u
  ),
  healthySetUp(
    'peer-by-name',
    async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const host = lan.host(0)
      await stage.peer(lan.host(1), 'berta')
      return { host, examine: async () => stage.doctor(host, ['berta']) }
    },
    /berta.* (?:answers at|is connected)/u
  ),
  healthySetUp(
    'asked-of-a-running-parley',
    async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const host = lan.host(0)
      const [anna] = await Promise.all([stage.peer(host, 'anna'), stage.peer(lan.host(1), 'berta')])
      await anna.until('berta', () => anna.events.find((one) => JSON.stringify(one).includes('"nickname":"berta"')))
      return { host, examine: async () => stage.doctor(host, ['berta'], { home: await stage.home('anna') }) }
    },
    /berta.* is connected/u
  ),
  healthySetUp('behind-a-router', async (stage) => behind(stage, 'plain'), /keeps one port towards all/u),
  healthySetUp('behind-a-symmetric-router', async (stage) => behind(stage, 'symmetric'), /\(symmetric\)/u),
  healthySetUp('behind-a-full-cone', async (stage) => behind(stage, 'full-cone'), /keeps one port towards all/u),
  healthySetUp('on-the-internet', async (stage) => behind(stage, 'public'), /its own address/u),
  healthySetUp(
    'over-a-tailnet',
    async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const [host, there] = [lan.host(0), lan.host(1)]
      const berta = await stage.peer(there, 'berta')
      const id = await berta.peerId()
      const path = await standInTailscale(stage, there)
      // An address that she has no longer.
      const known = `/ip4/10.77.0.99/tcp/${peerPort}/p2p/${id}`
      return { host, examine: async () => stage.doctor(host, ['--no-mdns', known], { path }) }
    },
    /answers over the tailnet/u
  )
]
