// A message of the JSON lines, parsed back. Pure; an object that lacks
// a field is no message.
import { isJson, type Json } from '../../lib/index.ts'
import type { HistoryEntry, OutgoingMessage, StoredMessage } from '../chat-api/chat-api.ts'

const deliveryStates: readonly string[] = ['pending', 'held', 'delivered', 'unconfirmed', 'failed']
const arrivalStates: readonly string[] = ['held', 'accepted']

type ArrivalState = Extract<StoredMessage, { direction: 'in' }>['state']

export function readMessage(json: unknown): StoredMessage | undefined {
  if (!isJson(json)) return undefined
  const { peer, id, direction, state, reason, seenAtMs, text, replyTo, files, sentAtMs, storedAtMs, log, seq } = json
  if (typeof peer !== 'string' || typeof id !== 'string' || typeof text !== 'string') return undefined
  if (typeof log !== 'string' || typeof seq !== 'number') return undefined
  if (typeof sentAtMs !== 'number' || typeof storedAtMs !== 'number') return undefined
  const answers = typeof replyTo === 'string' ? { replyTo } : {}
  const fields = { peer, id, text, sentAtMs, storedAtMs, log, seq, ...answers, ...readFiles(files) }
  if (direction === 'in') return isArrivalState(state) ? { ...fields, direction, state } : undefined
  if (direction !== 'out' || !isDeliveryState(state)) return undefined
  const why = typeof reason === 'string' ? { reason } : {}
  const seen = typeof seenAtMs === 'number' ? { seenAtMs } : {}
  return { ...fields, direction, state, ...why, ...seen }
}

/** A program of an earlier version lists none. */
function readFiles(files: unknown): Pick<StoredMessage, 'files'> {
  if (!Array.isArray(files)) return {}
  const offered = files.flatMap((given: unknown) => {
    if (!isJson(given)) return []
    const { file, name, sizeBytes } = given
    const isOffer = typeof file === 'string' && typeof name === 'string' && typeof sizeBytes === 'number'
    return isOffer ? [{ file, name, sizeBytes }] : []
  })
  return offered.length === 0 ? {} : { files: offered }
}

export function readEntry(json: Json): HistoryEntry | undefined {
  const message = readMessage(json)
  const { position } = json
  return message === undefined || typeof position !== 'number' ? undefined : { position, message }
}

export function isDeliveryState(state: unknown): state is OutgoingMessage['state'] {
  return typeof state === 'string' && deliveryStates.includes(state)
}

function isArrivalState(state: unknown): state is ArrivalState {
  return typeof state === 'string' && arrivalStates.includes(state)
}
