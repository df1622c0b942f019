// What a router is asked for, in whatever protocol it speaks.
import { isPort } from '../lib/index.ts'

/** The protocols by which routers are asked. */
export type PortMappingProtocol = 'NAT-PMP' | 'UPnP'

export interface PortMappingRequest {
  /** The TCP port on this machine. */
  readonly port: number
  /** The public port that is wished for: the one that was there before. */
  readonly publicPort: number
  readonly leaseS: number
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
   * Opens a port, or renews it.
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
  throw new NoPortMappingError(`the router names the port ${port}, which is none`)
}
