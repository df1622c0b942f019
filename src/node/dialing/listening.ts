// Which port a node listens on, and why a port is not available: another program has
// it, this user may not use it, or the address is not this machine's. Each reason has
// an error of its own, with advice. It loads nothing of libp2p.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { errorCode } from '../../lib/index.ts'
import { ParleyError } from '../api/errors.ts'
import { exitCodes } from '../api/exit-codes.ts'

/** Another program listens on the port. */
export class PortTakenError extends ParleyError {
  override readonly name = 'PortTakenError'
  override readonly exitCode = exitCodes.portTaken
  readonly port: number

  /** @param options.option that chooses another port; by default --port */
  constructor(port: number, options?: ErrorOptions & { readonly option?: string }) {
    const option = options?.option ?? '--port'
    super(`port ${port} is taken by another program: choose another with ${option}, or end that program`, options)
    this.port = port
  }
}

/** The system keeps the port for other users. */
export class PortForbiddenError extends ParleyError {
  override readonly name = 'PortForbiddenError'
  override readonly exitCode = exitCodes.usage
  readonly port: number

  /** @param options.option that chooses another port; by default --port */
  constructor(port: number, options?: ErrorOptions & { readonly option?: string }) {
    const option = options?.option ?? '--port'
    super(
      `this user may not listen on port ${port}; the ports below 1024 are for the system, as a rule: ` +
        `choose one from 1024 on with ${option}, or let the system's administrator allow it`,
      options
    )
    this.port = port
  }
}

/** No interface of this machine has the address to listen on. */
export class ListenAddressError extends ParleyError {
  override readonly name = 'ListenAddressError'
  override readonly exitCode = exitCodes.usage
  readonly host: string

  /** @param options.option that chooses another address; by default --host */
  constructor(host: string, options?: ErrorOptions & { readonly option?: string }) {
    const option = options?.option ?? '--host'
    const form = /^fe[89ab][\da-f]:[^%]*$/iu.test(host)
      ? `a link-local address needs its interface behind it, as in ${host}%eth0`
      : `give one that it has with ${option}, or leave ${option} out`
    super(`this machine has no address ${host} to listen on: ${form}`, options)
    this.host = host
  }
}

export interface ListenPlace {
  /** An IP address, or undefined for all of IPv4 and IPv6. */
  readonly host: string | undefined
  readonly port: number
}

/** The options that choose another place; by default those of a node. */
export interface ListenOptions {
  readonly portOption?: string
  readonly hostOption?: string
}

/**
 * The error for the user, made of the system's.
 *
 * @returns undefined for an error of another kind
 */
export function listenFailure(
  error: unknown,
  { host, port }: ListenPlace,
  { portOption = '--port', hostOption = '--host' }: ListenOptions = {}
): ParleyError | undefined {
  const cause = { cause: error }
  switch (listenErrorCode(error)) {
    case 'EADDRINUSE':
      return new PortTakenError(port, { ...cause, option: portOption })
    case 'EACCES':
    case 'EPERM':
      return new PortForbiddenError(port, { ...cause, option: portOption })
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
    case 'ENODEV':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ListenAddressError(host ?? 'any', { ...cause, option: hostOption })
    default:
      return undefined
  }
}

const codePattern = /\b(EADDRINUSE|EACCES|EPERM|EADDRNOTAVAIL|EAFNOSUPPORT|EINVAL|ENODEV|ENOTFOUND|EAI_AGAIN)\b/u

/** libp2p puts the errors of its listeners into the text of its own error. */
function listenErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code = errorCode(error)
  if (code !== undefined && codePattern.test(code)) return code
  return codePattern.exec(error.message)?.[1]
}

/**
 * Why a node can't listen there; undefined when it can, though another program may take the port a moment later.
 *
 * @throws errors that do not answer the question
 */
export async function whyNotListening(place: ListenPlace, options?: ListenOptions): Promise<ParleyError | undefined> {
  try {
    await listenBriefly(place)
    return undefined
  } catch (error) {
    const failure = listenFailure(error, place, options)
    if (failure === undefined) throw error
    return failure
  }
}

/**
 * Whether the port is free.
 *
 * @throws ListenAddressError when the address is not this machine's
 */
export async function isPortFree(place: ListenPlace): Promise<boolean> {
  const failure = await whyNotListening(place)
  if (failure instanceof ListenAddressError) throw failure
  return failure === undefined
}

/**
 * A port that is free on this machine now, for both IPv4 and IPv6: libp2p would choose one for each.
 *
 * @throws ListenAddressError
 */
export async function freePort(host: string | undefined): Promise<number> {
  const place = { host, port: 0 }
  try {
    return await listenBriefly(place)
  } catch (error) {
    throw listenFailure(error, place) ?? error
  }
}

/**
 * The port to listen on: the one that was asked for, else the one of the first start, else another if that is taken.
 *
 * @returns the port, and why it is not the usual one
 * @throws PortTakenError, PortForbiddenError when it was asked for; ListenAddressError
 */
export async function listeningPort(wanted: {
  readonly asked: number | undefined
  readonly usual: number | undefined
  readonly host: string | undefined
}): Promise<{ readonly port: number; readonly insteadOf: PortProblem | undefined }> {
  const { asked, usual, host } = wanted
  const port = asked ?? usual
  if (port === undefined) return { port: await freePort(host), insteadOf: undefined }
  const failure = await whyNotListening({ host, port })
  if (failure === undefined) return { port, insteadOf: undefined }
  if (asked !== undefined || !isPortProblem(failure)) throw failure
  return { port: await freePort(host), insteadOf: failure }
}

/** Errors that another port of the same address avoids. */
export type PortProblem = PortTakenError | PortForbiddenError

export function isPortProblem(error: unknown): error is PortProblem {
  return error instanceof PortTakenError || error instanceof PortForbiddenError
}

/** @returns the port that the system gave */
async function listenBriefly({ host, port }: ListenPlace): Promise<number> {
  const server = createServer()
  server.listen({ port, ...(host === undefined ? {} : { host }) })
  try {
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has an address')
    return address.port
  } finally {
    server.close()
  }
}

/**
 * Starts a node, with a plain error when it can't listen.
 *
 * @throws PortTakenError, PortForbiddenError, ListenAddressError
 */
export async function startHost(node: { start(): Promise<void> | void }, init: ListenPlace): Promise<void> {
  try {
    await node.start()
  } catch (error) {
    throw listenFailure(error, init) ?? error
  }
}
