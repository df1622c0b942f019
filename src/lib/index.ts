// What needs no network and no Node: characters and names as people see them, and collections of a bounded size.
export { ClockJumps } from './clock-jumps.ts'
export { LruMap, LruSet } from './lru.ts'
export { looksAlike, nameShape, type NameShape } from './name-shape.ts'
export { hiddenCharacters, isVisible, MAX_MARKS_ON_A_LETTER, withExcess, withoutHidden } from './unicode/hidden-text.ts'
