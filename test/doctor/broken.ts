// Networks that keep people out, each in one way.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HostProgram } from '../netns/host-program.ts'
import type { NetHost } from '../netns/lan.ts'
import type { SiteKind } from '../netns/internet.ts'
import { FIREWALLD, UFW, withFirewalld, withUfw } from './firewall-programs.ts'
import type { Scene, SetUp } from './set-up.ts'
import { peerPort, type Stage, type StageHost } from './stage.ts'

/** Shifts the clock of a process by two days. */
export const clockTwoDaysAhead = '--import=data:text/javascript,const%20now=Date.now;Date.now=()=>now()%2B172800000'

const inputDrops = (rule: string): string =>
  `nft 'table inet fw { chain in { type filter hook input priority 0; policy accept; ${rule} drop; }; }'`
const outputDrops = (rule: string): string =>
  `nft 'table inet fw { chain out { type filter hook output priority 0; policy accept; ${rule} drop; }; }'`

/** Two hosts on a LAN; on the first doctor is asked about nobody. */
async function alone(stage: Stage, script: string): Promise<Scene> {
  const lan = await stage.lan({ hosts: 2 })
  const host = lan.host(0)
  await stage.shell(host, script)
  return { host, examine: async () => stage.doctor(host, ['--port', String(peerPort)]) }
}

/** Two hosts on a LAN; on the first a program keeps the firewall, and doctor is asked about nobody. */
async function behindProgram(stage: Stage, program: typeof withUfw): Promise<Scene> {
  const host = await program(stage, (await stage.lan({ hosts: 2 })).host(0))
  return { host, examine: async () => stage.doctor(host, ['--port', String(peerPort)]) }
}

/** Berta runs on the second host; on the first doctor is asked about her address. */
async function about(
  stage: Stage,
  change: (hosts: { readonly here: NetHost; readonly there: NetHost }) => Promise<unknown>
): Promise<Scene> {
  const lan = await stage.lan({ hosts: 2 })
  const [here, there] = [lan.host(0), lan.host(1)]
  await stage.peer(there, 'berta')
  await change({ here, there })
  return { host: here, examine: async () => stage.doctor(here, [`${there.address}:${peerPort}`]) }
}

/** A directory on the third host, which the examined one names. */
async function withDirectory(
  stage: Stage,
  options: { readonly network?: string; readonly nodeOptions?: string },
  change: (hosts: { readonly here: NetHost; readonly there: NetHost }) => Promise<unknown> = async () => undefined
): Promise<Scene> {
  const lan = await stage.lan({ hosts: 2 })
  const [here, there] = [lan.host(0), lan.host(1)]
  const directory = await stage.directory(there, options)
  await change({ here, there })
  return { host: here, examine: async () => stage.doctor(here, ['--directory', directory]) }
}

/** A directory with a public address, which the examined host of this kind names. */
async function acrossInternet(
  stage: Stage,
  kind: SiteKind,
  change: (here: StageHost) => Promise<unknown> = async () => undefined
): Promise<Scene> {
  const internet = await stage.internet([{ kind }, { kind: 'public' }])
  const [here, there] = [internet.host(0), internet.host(1)]
  const directory = await stage.directory(there)
  await change(here)
  return { host: here, examine: async () => stage.doctor(here, ['--directory', directory]) }
}

export const broken: readonly SetUp[] = [
  {
    name: 'mdns-in',
    cause: 'firewall-mdns-in',
    mends: true,
    make: async (stage) => alone(stage, inputDrops('udp dport 5353'))
  },
  {
    name: 'mdns-out',
    cause: 'firewall-mdns-out',
    mends: true,
    make: async (stage) => alone(stage, outputDrops('udp dport 5353'))
  },
  {
    name: 'port-in',
    cause: 'firewall-port-in',
    mends: true,
    make: async (stage) => alone(stage, inputDrops(`tcp dport ${peerPort}`))
  },
  {
    name: 'everything-in',
    cause: 'firewall-port-in',
    alongside: ['firewall-mdns-in'],
    mends: true,
    make: async (stage) =>
      alone(
        stage,
        `nft 'table inet filter { chain input { type filter hook input priority 0; policy drop; iif lo accept; ct state established,related accept; tcp dport 22 accept; meta l4proto { icmp, ipv6-icmp } accept; }; }'`
      )
  },
  {
    name: 'ufw',
    cause: 'firewall-port-in',
    mends: true,
    needs: UFW,
    make: async (stage) => behindProgram(stage, withUfw)
  },
  {
    name: 'firewalld',
    cause: 'firewall-port-in',
    alongside: ['firewall-mdns-in'],
    mends: true,
    needs: FIREWALLD,
    make: async (stage) => behindProgram(stage, withFirewalld)
  },
  {
    name: 'port-out',
    cause: 'firewall-port-out',
    mends: true,
    make: async (stage) => about(stage, async ({ here }) => stage.shell(here, outputDrops(`tcp dport ${peerPort}`)))
  },
  {
    name: 'no-multicast-route',
    cause: 'no-multicast-route',
    mends: true,
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 2, ipv4: false, defaultRoute: 'none' })
      const host = lan.host(0)
      await stage.shell(host, 'ip -6 route del ff00::/8 dev eth0 table local')
      return { host, examine: async () => stage.doctor(host) }
    }
  },
  {
    name: 'multicast-off',
    cause: 'cannot-multicast',
    mends: true,
    make: async (stage) => alone(stage, 'ip link set eth0 multicast off')
  },
  {
    name: 'no-network',
    cause: 'no-network',
    make: async (stage) => alone(stage, 'ip address flush dev eth0; ip link set eth0 down')
  },
  {
    name: 'port-5353-held',
    cause: 'port-5353-held',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const host = lan.host(0)
      const keeper = new HostProgram(host, 'port-keeper.ts', ['5353'])
      stage.onEnd(() => keeper.stop())
      while (keeper.count('kept') === 0) await sleep(20)
      return { host, examine: async () => stage.doctor(host) }
    }
  },
  {
    name: 'isolation',
    cause: 'isolated',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 3 })
      const [here, there, other] = [lan.host(0), lan.host(1), lan.host(2)]
      await Promise.all([here.isolate(), there.isolate()])
      const directory = await stage.directory(other)
      const berta = await stage.peer(there, 'berta', ['--directory', directory])
      const id = await berta.peerId()
      return { host: here, examine: async () => stage.doctor(here, ['--directory', directory, id]) }
    }
  },
  {
    name: 'isolation-of-nobody-named',
    cause: 'isolated',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 3 })
      const [here, there, other] = [lan.host(0), lan.host(1), lan.host(2)]
      await Promise.all([here.isolate(), there.isolate()])
      const directory = await stage.directory(other)
      await stage.peer(there, 'berta', ['--directory', directory])
      return { host: here, examine: async () => stage.doctor(here, ['--directory', directory]) }
    }
  },
  {
    name: 'peer-is-off',
    cause: 'no-neighbour',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 1 })
      const host = lan.host(0)
      return { host, examine: async () => stage.doctor(host, [`10.77.0.99:${peerPort}`]) }
    }
  },
  {
    name: 'peer-firewall',
    cause: 'peer-firewall',
    make: async (stage) => about(stage, async ({ there }) => stage.shell(there, inputDrops(`tcp dport ${peerPort}`)))
  },
  {
    name: 'vpn-route',
    cause: 'vpn-route',
    mends: true,
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 2, defaultRoute: 'vpn' })
      const [here, there] = [lan.host(0), lan.host(1)]
      await stage.peer(there, 'berta')
      await stage.shell(here, 'ip route add 10.77.0.0/25 dev vpn0; ip route add 10.77.0.128/25 dev vpn0')
      return { host: here, examine: async () => stage.doctor(here, [`${there.address}:${peerPort}`]) }
    }
  },
  {
    name: 'kill-switch',
    cause: 'kill-switch',
    mends: true,
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 2, defaultRoute: 'vpn' })
      const host = lan.host(0)
      const chains = (['input', 'output'] as const).map((hook) => {
        const card = hook === 'input' ? 'iifname' : 'oifname'
        return `chain ${hook} { type filter hook ${hook} priority 0; policy drop; ${card} { "lo", "vpn0" } accept; }`
      })
      await stage.shell(host, `nft 'table inet killswitch { ${chains.join('; ')}; }'`)
      return { host, examine: async () => stage.doctor(host) }
    }
  },
  {
    name: 'directory-down',
    cause: 'directory-down',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const [here, there] = [lan.host(0), lan.host(1)]
      return { host: here, examine: async () => stage.doctor(here, ['--directory', `${there.address}:8000`]) }
    }
  },
  {
    name: 'directory-firewall-out',
    cause: 'firewall-port-out',
    mends: true,
    make: async (stage) =>
      withDirectory(stage, {}, async ({ here }) => stage.shell(here, outputDrops('tcp dport 8000')))
  },
  {
    name: 'other-network',
    cause: 'other-network',
    make: async (stage) => withDirectory(stage, { network: 'parley-elsewhere' })
  },
  {
    name: 'clock',
    cause: 'clock',
    make: async (stage) => withDirectory(stage, { nodeOptions: clockTwoDaysAhead })
  },
  {
    name: 'only-443',
    cause: 'ports-filtered',
    make: async (stage) => acrossInternet(stage, 'tcp-443')
  },
  {
    name: 'udp-blocked',
    cause: 'udp-blocked',
    make: async (stage) => acrossInternet(stage, 'udp-blocked')
  },
  {
    name: 'udp-firewall-out',
    cause: 'udp-blocked',
    mends: true,
    make: async (stage) =>
      acrossInternet(stage, 'plain', async (here) => stage.shell(here, outputDrops('udp dport != { 53, 5353 }')))
  },
  {
    name: 'ipv6-no-route',
    cause: 'ipv6-no-route',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 1 })
      const host = lan.host(0)
      return { host, examine: async () => stage.doctor(host, [`[2a00:77::20]:${peerPort}`]) }
    }
  },
  {
    name: 'port-taken',
    cause: 'port-taken',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 1 })
      const host = lan.host(0)
      await stage.directory(host, { port: peerPort })
      return { host, examine: async () => stage.doctor(host, ['--port', String(peerPort)]) }
    }
  },
  {
    name: 'nothing-listens',
    cause: 'nothing-listens',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const [here, there] = [lan.host(0), lan.host(1)]
      return { host: here, examine: async () => stage.doctor(here, [`${there.address}:${peerPort}`]) }
    }
  },
  {
    name: 'blocked-peer',
    cause: 'blocked',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const [here, there] = [lan.host(0), lan.host(1)]
      const [anna, berta] = [await stage.peer(here, 'anna'), await stage.peer(there, 'berta')]
      const id = await berta.peerId()
      await anna.do({ do: 'block', peer: id })
      return { host: here, examine: async () => stage.doctor(here, [id], { home: await stage.home('anna') }) }
    }
  },
  {
    name: 'changed-key',
    cause: 'key-changed',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 2 })
      const [here, there] = [lan.host(0), lan.host(1)]
      const [anna, berta] = [await stage.peer(here, 'anna', ['--no-mdns']), await stage.peer(there, 'berta')]
      await anna.do({ do: 'chat', peer: `${there.address}:${peerPort}` })
      await berta.stop()
      await stage.peer(there, 'eve')
      const examine: Scene['examine'] = async () =>
        stage.doctor(here, [`${there.address}:${peerPort}`], { home: await stage.home('anna') })
      return { host: here, examine }
    }
  },
  {
    name: 'unknown-name',
    cause: 'unknown-peer',
    make: async (stage) => {
      const lan = await stage.lan({ hosts: 1 })
      const host = lan.host(0)
      return { host, examine: async () => stage.doctor(host, ['nobody-of-this-name']) }
    }
  }
]

/** A stand-in for `tailscale` that knows one machine. @returns the folder to put into PATH */
export async function standInTailscale(stage: Stage, machine: StageHost): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-tailscale-'))
  stage.onEnd(async () => rm(folder, { recursive: true, force: true }))
  const status = { Peer: { key: { HostName: 'berta-laptop', TailscaleIPs: [machine.address], Online: true } } }
  const file = join(folder, 'tailscale')
  await writeFile(file, `#!/bin/sh\n[ "$1 $2" = "status --json" ] && echo '${JSON.stringify(status)}'\n`)
  await chmod(file, 0o755)
  return folder
}
