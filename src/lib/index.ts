// What needs no network and no Node: characters, words and names as people see them, and collections of a bounded size.
export { abortAfter, onAbort } from './abort.ts'
export { alignedInterval } from './aligned-interval.ts'
export { Backoff, backoffMs } from './backoff.ts'
export { LruMap, LruSet } from './bounded-map.ts'
export { AwakeClock, ClockJumps, MS_PER_SECOND, steadyNow } from './clocks.ts'
export { DeadlineHeap, DeadlineTimer } from './deadlines.ts'
export { countText, listText, sentence } from './english.ts'
export { errorCode, hasErrorCode } from './error-code.ts'
export { lookOf, looksAlike, nameShape } from './name-shape.ts'
export type { NameShape } from './name-shape.ts'
export { nearestWord } from './nearest-word.ts'
export { isExempt, readProxy, type HttpProxy } from './http-proxy.ts'
export { isJson, jsonList, parseJson, type Json } from './json.ts'
export { isPort, MAX_PORT } from './ports.ts'
export { PrioritySemaphore } from './priority-semaphore.ts'
export {
  isIdPrefix,
  isShortFormOf,
  isShortIdBeginning,
  isTooShortBeginning,
  minShortBeginning,
  nameOrShortId,
  SHORT_ID_CHARS,
  shortId
} from './short-id.ts'
export type { Rate } from './token-bucket.ts'
export { RateLimiter, TokenBucket } from './token-bucket.ts'
export { decomposedFold, folded, isSameName, withoutIgnorable } from './unicode/case-folding.ts'
export { decodedText, withoutByteOrderMark } from './unicode/decoded-text.ts'
export { hiddenCharacters, isVisible, MAX_MARKS_ON_A_LETTER, withExcess, withoutHidden } from './unicode/hidden-text.ts'
export { normalForm } from './unicode/normal-form.ts'
export { Wakeup } from './wakeup.ts'
