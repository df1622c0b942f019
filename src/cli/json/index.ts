// The JSON face.
export { JsonFace, type JsonFaceInit, type JsonOutcome } from './json-face.ts'
export { LockedFace } from './locked-face.ts'
