// What needs no network and no Node: characters and names as people see them.
export { looksAlike, nameShape, type NameShape } from './name-shape.ts'
export { hiddenCharacters, isVisible, MAX_MARKS_ON_A_LETTER, withExcess, withoutHidden } from './unicode/hidden-text.ts'
