// Who is right where directories disagree about a peer: merges what they answer
// by what proves itself, and says of each directory whether it agrees, is stale,
// withholds, or simply is not joined with the others. Pure: no clock, no network.
import type { DirectoryAnswer } from './directory-answer.ts'
import type { AttachmentStatement } from './federation/statement.ts'
import { compareRecords } from './presence-record.ts'
import type { VerifiedRecord } from './presence-record.ts'
import type { Telling } from './tellings.ts'

/** One directory's answer, beside what it shows on its roster. */
export interface Testimony {
  readonly answer: DirectoryAnswer
  /** What its roster shows of the peer now. */
  readonly told: Telling | undefined
  /** Directories of which it hears: its fellows, and those at which it says that anybody is attached. */
  readonly hearsOf: ReadonlySet<string>
}

export type Verdict =
  | { readonly is: 'agrees' }
  /** It shows an older record than there is, or a peer that is proven to be gone. */
  | { readonly is: 'stale'; readonly why: 'older record' | 'gone' }
  /** It does not show a peer whom a directory that it hears of, or its own word, proves to be attached. */
  | { readonly is: 'withholds'; readonly provenBy: readonly string[] }
  /** It does not hear of the directories that know better: nobody's fault. */
  | { readonly is: 'not joined'; readonly with: readonly string[] }

export interface Judgement {
  /** The newest record that anybody holds: what is true of the peer, whoever told it. */
  readonly newest: VerifiedRecord | undefined
  readonly isOnline: boolean
  /** The newest statement of each directory: proofs for the next time. */
  readonly statements: readonly AttachmentStatement[]
  /** By directory. */
  readonly verdicts: ReadonlyMap<string, Verdict>
}

export interface JudgeOptions {
  /** Statements about the peer that were proven before: a directory may have forgotten them since. */
  readonly earlier?: readonly AttachmentStatement[]
  /**
   * Whether a directory withholds a peer for whom one other alone vouches. That one may make peers up, or not tell the
   * accused: where it does so with many, its word is not enough.
   */
  readonly isOneWordEnough?: boolean
}

export function judge(testimonies: readonly Testimony[], options: JudgeOptions = {}): Judgement {
  const { earlier = [], isOneWordEnough = true } = options
  const newest = newestOf(testimonies)
  const withdrawnSeq = newest?.record.withdrawn === true ? newest.record.seq : olderWithdrawal(testimonies)
  const statements = mergeStatements([...earlier, ...testimonies.flatMap(({ answer }) => answer.statements)])
  const attachedAt = new Set([
    ...[...statements.values()].filter((one) => isLive(one, testimonies, withdrawnSeq)).map(authorOf),
    ...testimonies.filter((one) => isOwnWord(one, statements, withdrawnSeq)).map(({ answer }) => answer.directory)
  ])
  const facts: Facts = { newest, attachedAt, testimonies, isOneWordEnough }
  return {
    newest,
    isOnline: attachedAt.size > 0,
    statements: [...statements.values()],
    verdicts: new Map(testimonies.map((one) => [one.answer.directory, verdictOn(one, facts)]))
  }
}

/** Of each directory the one of the highest epoch, and in it of the highest counter. */
export function mergeStatements(statements: readonly AttachmentStatement[]): ReadonlyMap<string, AttachmentStatement> {
  const merged = new Map<string, AttachmentStatement>()
  for (const statement of statements) {
    const before = merged.get(authorOf(statement))
    if (before === undefined || isLater(statement, before)) merged.set(authorOf(statement), statement)
  }
  return merged
}

interface Facts {
  readonly newest: VerifiedRecord | undefined
  /** The directories at which the peer is attached, as far as it is proven. */
  readonly attachedAt: ReadonlySet<string>
  readonly testimonies: readonly Testimony[]
  readonly isOneWordEnough: boolean
}

function verdictOn(one: Testimony, facts: Facts): Verdict {
  const { told } = one
  if (facts.attachedAt.size === 0) return told === undefined ? agrees : staleOrApart(one, facts, 'gone')
  if (told === undefined) return missing(one, facts)
  return isOutdated(told, facts.newest) ? staleOrApart(one, facts, 'older record') : agrees
}

function missing({ answer, hearsOf }: Testimony, { attachedAt, isOneWordEnough }: Facts): Verdict {
  const { directory, showing } = answer
  const provenBy = [...attachedAt].filter((at) => at === directory || hearsOf.has(at))
  if (showing && !provenBy.includes(directory)) provenBy.push(directory)
  if (provenBy.length === 0) return { is: 'not joined', with: [...attachedAt] }
  const isOneWord = provenBy.length === 1 && !provenBy.includes(directory)
  return isOneWord && !isOneWordEnough ? agrees : { is: 'withholds', provenBy }
}

/** A directory that says itself that the peer is attached to it has no excuse; others may not have heard better. */
function staleOrApart({ answer, told, hearsOf }: Testimony, facts: Facts, why: 'older record' | 'gone'): Verdict {
  const others = facts.testimonies
    .filter((other) => other.answer.directory !== answer.directory && knowsBetter(other, facts))
    .map((other) => other.answer.directory)
  const attachers = [...(told?.attachedAt.keys() ?? [])]
  const couldKnow =
    attachers.includes(answer.directory) || [...others, ...facts.attachedAt].some((other) => hearsOf.has(other))
  return couldKnow ? { is: 'stale', why } : { is: 'not joined', with: others }
}

function knowsBetter({ told, answer }: Testimony, { newest, attachedAt }: Facts): boolean {
  if (attachedAt.size === 0) return told === undefined
  const held = answer.newest ?? told?.record
  return newest !== undefined && held !== undefined && compareRecords(held, newest) === 0
}

function isOutdated(told: Telling, newest: VerifiedRecord | undefined): boolean {
  return newest !== undefined && !newest.record.withdrawn && compareRecords(told.record, newest) < 0
}

function isLive(statement: AttachmentStatement, testimonies: readonly Testimony[], withdrawnSeq: bigint): boolean {
  const author = testimonies.find(({ answer }) => answer.directory === authorOf(statement))
  const isVoid = author?.answer.epoch !== undefined && author.answer.epoch > statement.epoch
  return statement.attached && statement.seq > withdrawnSeq && !isVoid
}

/** The directory itself tells us that the peer is attached to it, and has signed nothing to the contrary. */
function isOwnWord(
  { answer, told }: Testimony,
  statements: ReadonlyMap<string, AttachmentStatement>,
  withdrawnSeq: bigint
): boolean {
  if (told === undefined || !told.attachedAt.has(answer.directory)) return false
  return told.record.record.seq > withdrawnSeq && statements.get(answer.directory)?.attached !== false
}

function newestOf(testimonies: readonly Testimony[]): VerifiedRecord | undefined {
  return testimonies
    .flatMap(({ answer, told }) => [answer.newest, told?.record])
    .filter((record) => record !== undefined)
    .reduce<VerifiedRecord | undefined>(
      (best, record) => (best === undefined || compareRecords(record, best) > 0 ? record : best),
      undefined
    )
}

/** The peer has left before and is back with a newer record: what is older than its leaving counts no more. */
function olderWithdrawal(testimonies: readonly Testimony[]): bigint {
  let highest = -1n
  for (const { answer } of testimonies) {
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
