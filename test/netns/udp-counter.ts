// Counts the datagrams that come to a host from one address, whichever ports they name
// and whether anybody listens there.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { InternetHost } from './internet.ts'

const run = promisify(execFile)

/** Of its own, beside the rules of the host. */
const table = 'counted'

/** @returns how many have come since */
export async function countUdp({ wrapper }: InternetHost, from: string): Promise<() => Promise<number>> {
  const [program = '', ...args] = wrapper
  const nft = async (...words: readonly string[]): Promise<string> => {
    const { stdout } = await run(program, [...args, 'nft', ...words])
    return stdout
  }
  const rules = `table inet ${table} {
    counter datagrams { }
    chain arriving {
      type filter hook prerouting priority -300; policy accept;
      ip saddr ${from} meta l4proto udp counter name datagrams
    }
  }`
  await nft(rules)
  return async () => {
    const { nftables } = JSON.parse(await nft('-j', 'list', 'counter', 'inet', table, 'datagrams')) as Counted
    return nftables.find(({ counter }) => counter !== undefined)?.counter?.packets ?? Number.NaN
  }
}

interface Counted {
  readonly nftables: readonly { readonly counter?: { readonly packets: number } }[]
}
