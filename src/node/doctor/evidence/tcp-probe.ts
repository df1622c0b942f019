// One TCP connection, for what its outcome says about the way there. Nothing is sent on it.
import { connect } from 'node:net'
import { errorCode } from '../../../lib/index.ts'

export type TcpOutcome = 'open' | 'refused' | 'no-route' | 'forbidden' | 'silent' | 'unresolved'

/** Longer than a machine of the own link that is not there takes to be given up by the system (three seconds). */
const TCP_PROBE_MS = 3_500

export interface TcpPlace {
  readonly host: string
  readonly port: number
}

export async function tcpProbe({ host, port }: TcpPlace, signal: AbortSignal): Promise<TcpOutcome> {
  const socket = connect({ host, port, signal })
  try {
    return await new Promise<TcpOutcome>((resolve) => {
      socket.setTimeout(TCP_PROBE_MS, () => resolve('silent'))
      socket.once('connect', () => resolve('open'))
      socket.once('error', (error) => resolve(outcomeOf(error)))
    })
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}

function outcomeOf(error: Error): TcpOutcome {
  switch (errorCode(error)) {
    case 'ECONNREFUSED':
      return 'refused'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return 'no-route'
    case 'EPERM':
    case 'EACCES':
      return 'forbidden'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'ENODATA':
      return 'unresolved'
    case 'ECONNRESET':
      return 'open'
    default:
      return 'silent'
  }
}
