// What needs no network and no Node: characters and names as people see them.
export { looksAlike, nameShape, type NameShape } from './name-shape.ts'
export {
  excessCharacters,
  hiddenCharacters,
  isVisible,
  MAX_MARKS_ON_A_LETTER,
  withoutHidden
} from './unicode/hidden-text.ts'
