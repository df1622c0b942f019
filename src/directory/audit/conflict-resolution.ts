// Which directory is right where they disagree about a peer: merges the proofs in their
// answers, and finds for each directory whether it agrees, is stale, withholds, or simply
// is not joined with the others. Pure: no clock, no network.
import type { DirectoryAnswer } from '../client/directory-answer.ts'
import type { AttachmentStatement } from '../statement.ts'
import { compareRecords } from '../../presence/index.ts'
import type { VerifiedRecord } from '../../presence/index.ts'
import type { ShownPeer } from './directory-views.ts'

/** One directory's answer, beside what it shows on its roster. */
export interface Evidence {
  readonly answer: DirectoryAnswer
  /** What its roster shows of the peer now. */
  readonly told: ShownPeer | undefined
  /** Directories that it hears from: its federation peers, and those at which it shows attached peers. */
  readonly hearsOf: ReadonlySet<string>
}

export type Verdict =
  | { readonly is: 'agrees' }
  /** It shows an older record than there is, or a peer that is proven to be gone. */
  | { readonly is: 'stale'; readonly why: 'older record' | 'gone' }
  /** It does not show a peer that is attached, as a directory that it hears from, or its own statement, proves. */
  | { readonly is: 'withholds'; readonly provenBy: readonly string[] }
  /** It does not hear from the directories that know better, which is no fault. */
  | { readonly is: 'not joined'; readonly with: readonly string[] }

export interface Resolution {
  /** The newest record that any directory holds: the truth about the peer. */
  readonly newest: VerifiedRecord | undefined
  readonly isOnline: boolean
  /** The newest statement of each directory: proofs for the next time. */
  readonly statements: readonly AttachmentStatement[]
  /** By directory. */
  readonly verdicts: ReadonlyMap<string, Verdict>
}

interface ResolveOptions {
  /** Statements about the peer that were proven before: a directory may have forgotten them since. */
  readonly earlier?: readonly AttachmentStatement[]
  /**
   * Whether one other directory's word is enough to prove that a directory withholds a peer. That one may make peers up, or
   * not send them to the accused: if it does so with many, its word is not enough.
   */
  readonly isOneWordEnough?: boolean
}

export function resolveConflict(evidence: readonly Evidence[], options: ResolveOptions = {}): Resolution {
  const { earlier = [], isOneWordEnough = true } = options
  const newest = newestOf(evidence)
  const withdrawnSeq = newest?.record.withdrawn === true ? newest.record.seq : olderWithdrawal(evidence)
  const statements = mergeStatements([...earlier, ...evidence.flatMap(({ answer }) => answer.statements)])
  const attachedAt = new Set([
    ...[...statements.values()].filter((one) => isLive(one, evidence, withdrawnSeq)).map(authorOf),
    ...evidence.filter((one) => isOwnWord(one, statements, withdrawnSeq)).map(({ answer }) => answer.directory)
  ])
  const facts: Facts = { newest, attachedAt, evidence, isOneWordEnough }
  return {
    newest,
    isOnline: attachedAt.size > 0,
    statements: [...statements.values()],
    verdicts: new Map(evidence.map((one) => [one.answer.directory, verdictOn(one, facts)]))
  }
}

/** Keeps, for each directory, the statement of the highest epoch and in it of the highest counter. */
function mergeStatements(statements: readonly AttachmentStatement[]): ReadonlyMap<string, AttachmentStatement> {
  const merged = new Map<string, AttachmentStatement>()
  for (const statement of statements) {
    const before = merged.get(authorOf(statement))
    if (before === undefined || isLater(statement, before)) merged.set(authorOf(statement), statement)
  }
  return merged
}

interface Facts {
  readonly newest: VerifiedRecord | undefined
  /** The directories at which the peer is attached, as far as that is proven. */
  readonly attachedAt: ReadonlySet<string>
  readonly evidence: readonly Evidence[]
  readonly isOneWordEnough: boolean
}

function verdictOn(one: Evidence, facts: Facts): Verdict {
  const { told } = one
  if (facts.attachedAt.size === 0) return told === undefined ? agrees : staleOrApart(one, facts, 'gone')
  if (told === undefined) return missing(one, facts)
  return isOutdated(told, facts.newest) ? staleOrApart(one, facts, 'older record') : agrees
}

function missing({ answer, hearsOf }: Evidence, { attachedAt, isOneWordEnough }: Facts): Verdict {
  const { directory, showing } = answer
  const provenBy = [...attachedAt].filter((at) => at === directory || hearsOf.has(at))
  if (showing && !provenBy.includes(directory)) provenBy.push(directory)
  if (provenBy.length === 0) return { is: 'not joined', with: [...attachedAt] }
  const isOneWord = provenBy.length === 1 && !provenBy.includes(directory)
  return isOneWord && !isOneWordEnough ? agrees : { is: 'withholds', provenBy }
}

/** A directory that says that the peer is attached to itself has no excuse; others may not have newer statements. */
function staleOrApart({ answer, told, hearsOf }: Evidence, facts: Facts, why: 'older record' | 'gone'): Verdict {
  const others = facts.evidence
    .filter((other) => other.answer.directory !== answer.directory && knowsBetter(other, facts))
    .map((other) => other.answer.directory)
  const attachers = [...(told?.attachedAt.keys() ?? [])]
  const couldKnow =
    attachers.includes(answer.directory) || [...others, ...facts.attachedAt].some((other) => hearsOf.has(other))
  return couldKnow ? { is: 'stale', why } : { is: 'not joined', with: others }
}

function knowsBetter({ told, answer }: Evidence, { newest, attachedAt }: Facts): boolean {
  if (attachedAt.size === 0) return told === undefined
  const held = answer.newest ?? told?.record
  return newest !== undefined && held !== undefined && compareRecords(held, newest) === 0
}

function isOutdated(told: ShownPeer, newest: VerifiedRecord | undefined): boolean {
  return newest !== undefined && !newest.record.withdrawn && compareRecords(told.record, newest) < 0
}

function isLive(statement: AttachmentStatement, evidence: readonly Evidence[], withdrawnSeq: bigint): boolean {
  const author = evidence.find(({ answer }) => answer.directory === authorOf(statement))
  const isVoid = author?.answer.epoch !== undefined && author.answer.epoch > statement.epoch
  return statement.attached && statement.seq > withdrawnSeq && !isVoid
}

/** The directory itself shows that the peer is attached to it, and has signed nothing to the contrary. */
function isOwnWord(
  { answer, told }: Evidence,
  statements: ReadonlyMap<string, AttachmentStatement>,
  withdrawnSeq: bigint
): boolean {
  if (told === undefined || !told.attachedAt.has(answer.directory)) return false
  return told.record.record.seq > withdrawnSeq && statements.get(answer.directory)?.attached !== false
}

function newestOf(evidence: readonly Evidence[]): VerifiedRecord | undefined {
  return evidence
    .flatMap(({ answer, told }) => [answer.newest, told?.record])
    .filter((record) => record !== undefined)
    .reduce<VerifiedRecord | undefined>(
      (best, record) => (best === undefined || compareRecords(record, best) > 0 ? record : best),
      undefined
    )
}

/** The peer has left and is back with a newer record: everything older than its farewell does not count. */
function olderWithdrawal(evidence: readonly Evidence[]): bigint {
  let highest = -1n
  for (const { answer } of evidence) {
    const record = answer.newest?.record
    if (record?.withdrawn === true && record.seq > highest) highest = record.seq
  }
  return highest
}

function isLater(a: AttachmentStatement, b: AttachmentStatement): boolean {
  return a.epoch === b.epoch ? a.counter > b.counter : a.epoch > b.epoch
}

function authorOf({ directory }: AttachmentStatement): string {
  return directory.toString()
}

const agrees: Verdict = { is: 'agrees' }
