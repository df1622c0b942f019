// What a router is asked for, in whatever protocol it speaks.
import { isPort } from '../lib/index.ts'

/** The protocols by which routers are asked. */
type PortMappingProtocol = 'PCP' | 'NAT-PMP' | 'UPnP'

/** One order, as NAT-PMP and PCP give it. */
export interface PortRequest {
  /** The TCP port on this machine. */
  readonly port: number
  /** The public port to ask for: the one that was mapped before; 0: any. */
  readonly publicPort: number
  /** In seconds; 0 takes the mapping away. */
  readonly leaseS: number
}

export interface PortMappingRequest extends PortRequest {
  readonly signal: AbortSignal
}

/** A port of the router that leads to this machine. By the router's word only. */
export interface PortMapping {
  readonly protocol: PortMappingProtocol
  /** Of this machine, on the way to the router. */
  readonly localAddress: string
  readonly port: number
  readonly publicAddress: string
  readonly publicPort: number
  /** For how long; the router may have shortened it. Infinity where it knows no end. */
  readonly leaseS: number
  /**
   * Closes it.
   *
   * @throws {NoPortMappingError}, the signal's reason
   */
  close(options: { readonly signal: AbortSignal }): Promise<void>
}

export interface PortMapper {
  readonly protocol: PortMappingProtocol
  /**
   * Opens a port, or renews it. Ends soon after the signal has aborted, and leaves no port open then.
   *
   * @throws {NoPortMappingError} when the router does not answer in time, refuses, or says what can't be
   * @throws the signal's reason
   */
  open(request: PortMappingRequest): Promise<PortMapping>
}

/** The router opens no port for us. */
export class NoPortMappingError extends Error {
  override readonly name = 'NoPortMappingError'
}

/** @throws {NoPortMappingError} */
export function checkedPort(port: number): number {
  if (isPort(port)) return port
  throw new NoPortMappingError(`the router names ${port}, which is not a port`)
}

/** A port that was opened while the node was stopped is closed again, where the router answers within a moment. */
const UNDO_TIMEOUT_MS = 1_000

/**
 * Gives an order to the router. When the signal aborts before the answer, the port may have been opened: it is closed.
 *
 * @param order ends with the signal's reason when that aborts
 */
export async function undoIfAborted<T>(
  signal: AbortSignal,
  { order, undo }: { readonly order: () => Promise<T>; readonly undo: (signal: AbortSignal) => Promise<unknown> }
): Promise<T> {
  try {
    return await order()
  } catch (error) {
    if (signal.aborted) await undo(AbortSignal.timeout(UNDO_TIMEOUT_MS)).catch(() => undefined)
    throw error
  }
}
