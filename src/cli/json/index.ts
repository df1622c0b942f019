// The JSON face.
export { JsonFace } from './json-face.ts'
export { LockedFace } from './locked-face.ts'
