/**
 * A fuzz target: one entry for bytes of another machine, or of a file. It takes an input, feeds the real code with it,
 * and throws when that code breaks a promise. It does not know who chooses the inputs, how many there are and for how
 * long they come.
 */
import { Buffer } from 'node:buffer'
import { inspect, isDeepStrictEqual } from 'node:util'

export interface FuzzTarget {
  /** As in `npm run fuzz -- --target NAME`; the folder of its corpus. */
  readonly name: string
  /** What the input reaches, for `--list`. */
  readonly reaches: string
  /** Valid inputs to begin with, made by the encoders. */
  seeds(): Iterable<Uint8Array> | Promise<Iterable<Uint8Array>>
  /**
   * Feeds one input.
   *
   * @throws when it finds a fault; errors that the code documents are caught here
   */
  run(input: Uint8Array): void | Promise<void>
  /** The result of `run` is a promise. */
  readonly isAsync?: boolean
  /** CPU time that one input may take, in milliseconds. Default {@link DEFAULT_CPU_MS}. */
  readonly cpuMs?: number
  /** Longer inputs are not tried. Default {@link DEFAULT_INPUT_BYTES}. */
  readonly maxInputBytes?: number
  /** Of so many inputs one is tried in a long repetition too, which shows what costs more than its bytes. */
  readonly stretchEvery?: number
  /** An input takes about so many times as long as one of a plain decoder. Default 1. */
  readonly weight?: number
  /** Ends what the first input started. */
  stop?(): Promise<void>
}

/**
 * An input of 4 KiB costs an honest decoder well below 1 ms; instrumented code is about ten times slower, and the
 * first runs are not compiled yet.
 */
export const DEFAULT_CPU_MS = 250

/** As libFuzzer's own default: room for several frames, and small enough to be changed at the right place. */
export const DEFAULT_INPUT_BYTES = 4096

/** Runs `feed`, which may fail in the documented ways only. Returns undefined when it did. */
export function allow<T>(errors: readonly ErrorClass[], feed: () => T): T | undefined {
  try {
    return feed()
  } catch (error) {
    if (errors.some((allowed) => error instanceof allowed)) return undefined
    throw error
  }
}

/** The same for what answers later. */
export async function allowAsync<T>(errors: readonly ErrorClass[], feed: () => Promise<T>): Promise<T | undefined> {
  try {
    return await feed()
  } catch (error) {
    if (errors.some((allowed) => error instanceof allowed)) return undefined
    throw error
  }
}

export type ErrorClass = abstract new (...args: never[]) => Error

const shownCharacters = 400

/** @throws {BrokenPromiseError} showing both */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  const shown = [actual, expected].map((value) => inspect(value, { breakLength: Infinity }).slice(0, shownCharacters))
  throw new BrokenPromiseError(`${what}: ${shown.join(' instead of ')}`)
}

/**
 * The same of what holds addresses, which remember in what form they were made, and text that came as invalid UTF-8,
 * which no writer can give back.
 */
export function sameText(actual: unknown, expected: unknown, what: string): void {
  same(textOf(actual), textOf(expected), what)
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`
    if (typeof part === 'string') return part.toWellFormed()
    return part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part
  })
}

/** A promise of the code under test does not hold. */
export class BrokenPromiseError extends Error {
  override readonly name = 'BrokenPromiseError'
}

/** @throws {BrokenPromiseError} */
export function promise(holds: boolean, what: string): void {
  if (!holds) throw new BrokenPromiseError(what)
}
