// What stands for signatures in the simulator: what an identity has sealed is known
// by its bytes, and nothing else opens. The envelopes have the form of real ones, as
// what is held is recognised by it.
import { RecordEnvelope } from '@libp2p/peer-record'
import type { PeerId } from '@libp2p/interface'
import type {
  Heartbeat,
  VerifiedHeartbeat,
  AttachmentStatement,
  OpenedUpdate,
  VerifiedStatement
} from '../../../src/directory/statement.ts'
import { BadStatementError, openedUpdate, statementKind } from '../../../src/directory/statement.ts'
import type { Opened, OpenRequest } from '../../../src/directory/federation/sync/federation-step.ts'
import type { WireUpdate } from '../../../src/directory/federation-frames.ts'
import type { VerifiedRecord } from '../../../src/presence/index.ts'
import { record } from '../../directory/federation/words.ts'
import type { Identity } from '../../presence/records.ts'

export const network = 'test'

export class Seals {
  readonly #statements = new Map<string, VerifiedStatement>()
  readonly #heartbeats = new Map<string, VerifiedHeartbeat>()
  readonly #records = new Map<string, VerifiedRecord>()

  statement(who: Identity, of: Omit<AttachmentStatement, 'directory' | 'network'>): VerifiedStatement {
    const statement = { ...of, directory: who.peer, network }
    const envelope = statementEnvelope(who, statement, 1)
    const sealed = { statement, envelope }
    this.#statements.set(keyOf(envelope), sealed)
    return sealed
  }

  heartbeat(who: Identity, of: Omit<Heartbeat, 'directory' | 'network'>): VerifiedHeartbeat {
    const envelope = Buffer.from(`beat of ${who.id} ${of.epoch} ${of.beat} ${of.counter} ${of.count}`)
    const sealed = { heartbeat: { ...of, directory: who.peer, network }, envelope }
    this.#heartbeats.set(keyOf(envelope), sealed)
    return sealed
  }

  record(peer: PeerId, seq: bigint, withdrawn = false): VerifiedRecord {
    const sealed = record(peer, seq, withdrawn)
    this.#records.set(keyOf(sealed.envelope), sealed)
    return sealed
  }

  /** Whether the directory that a statement names has sealed it. */
  isSealed({ statement, envelope }: VerifiedStatement): boolean {
    const sealed = this.#statements.get(keyOf(envelope))?.statement
    return (
      sealed !== undefined &&
      sealed.directory.equals(statement.directory) &&
      sealed.epoch === statement.epoch &&
      sealed.counter === statement.counter &&
      sealed.attached === statement.attached
    )
  }

  isSealedHeartbeat({ envelope }: VerifiedHeartbeat): boolean {
    return this.#heartbeats.has(keyOf(envelope))
  }

  isSealedRecord({ envelope }: VerifiedRecord): boolean {
    return this.#records.has(keyOf(envelope))
  }

  open({ updates, withdrawals, heartbeats }: OpenRequest): Opened {
    return {
      updates: updates.map((update) => this.#openUpdate(update)),
      withdrawals: withdrawals.map((bytes) => this.#records.get(keyOf(bytes))),
      heartbeats: heartbeats.map((bytes) => this.#heartbeats.get(keyOf(bytes)))
    }
  }

  #openUpdate(update: WireUpdate): OpenedUpdate | undefined {
    const statement = this.#statements.get(keyOf(update.statement))
    if (statement === undefined) return undefined
    const bytes = statement.statement.attached ? update.record : undefined
    const of = bytes === undefined ? undefined : this.#records.get(keyOf(bytes))
    try {
      return openedUpdate(statement, of, update.forMs, { network })
    } catch (error) {
      if (error instanceof BadStatementError) return undefined
      throw error
    }
  }
}

/** @returns the statement as its author would seal it, with a signature that is none */
export function forgedStatement(author: Identity, of: Omit<AttachmentStatement, 'directory' | 'network'>): Uint8Array {
  return statementEnvelope(author, { ...of, directory: author.peer, network }, 0)
}

function statementEnvelope(who: Identity, statement: AttachmentStatement, mark: number): Uint8Array {
  const payload = statementKind.encode(statement)
  const signature = new Uint8Array(64).fill(mark)
  const { publicKey } = who.key
  return new RecordEnvelope({ publicKey, payloadType: statementKind.codec, payload, signature }).marshal().slice()
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
