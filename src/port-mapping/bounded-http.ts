// One request by HTTP to a machine on the own network, with an answer of a bounded
// length. No redirects, no cookies, no connection that stays.
import { toError } from '../wire/index.ts'
import { NoPortMappingError } from './port-mapper.ts'

/** The description of a router has a few kilobytes. */
const MAX_BODY_BYTES = 64 * 1024

/** Answers before the answer ("100 Continue"): a router has no reason for one. Without a bound they may go on until the time is up. */
const MAX_INTERIM_ANSWERS = 4

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

interface HttpOrder {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * @param order is posted; without it, the page is asked for
 * @throws {NoPortMappingError}, the signal's reason
 */
export async function exchange(url: URL, signal: AbortSignal, order?: HttpOrder): Promise<HttpAnswer> {
  // Loaded where a router is asked by UPnP, which most nodes never do.
  const { request } = await import('node:http')
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  const method = order === undefined ? 'GET' : 'POST'
  const sent = request(url, { method, signal, agent: false, headers: order?.headers ?? {} }, (response) => {
    let body = ''
    response.setEncoding('latin1')
    response.on('data', (text: string) => {
      body += text
      if (body.length <= MAX_BODY_BYTES) return
      const error = new NoPortMappingError(`the router answered with more than ${MAX_BODY_BYTES} bytes`)
      reject(error)
      response.destroy(error)
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    response.on('error', reject)
  })
  sent.on('error', reject)
  let interim = 0
  sent.on('information', () => {
    interim += 1
    if (interim > MAX_INTERIM_ANSWERS) {
      sent.destroy(new NoPortMappingError(`the router sent more than ${MAX_INTERIM_ANSWERS} interim answers`))
    }
  })
  // One that answers by changing the protocol ends without an error, also for the signal.
  sent.on('close', () => reject(new Error('the connection ended before the answer')))
  sent.end(order?.body)
  try {
    return await promise
  } catch (error) {
    if (error instanceof NoPortMappingError) throw error
    if (signal.aborted && !isTimeout(signal.reason)) throw toError(signal.reason)
    throw new NoPortMappingError('the router does not answer', { cause: error })
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
}
