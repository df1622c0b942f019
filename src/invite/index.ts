// Invitations: codes, the exchange that proves them, and the numbers by which their
// makers are found. The only way into this folder.
export {
  BadCodeError,
  formatCode,
  formatCodeLink,
  parseCode,
  randomWords,
  WORDS_OF_MANY,
  WORDS_OF_ONE
} from './code.ts'
export type { Code } from './code.ts'
export { InviteRefusedError } from './guest.ts'
export type { InviteRefusal } from './invite-frames.ts'
export { invite, InviteService } from './invite-service.ts'
export type { InviteServiceInit } from './invite-service.ts'
export { MakerNotFoundError, redeemCode } from './maker-search.ts'
export { findNumber, NumberClaims, NumberRefusedError } from './numbers/number-client.ts'
export { INVITATION_MS, MANY_INVITATION_MS, MAX_PLACES, TooManyInvitationsError } from './open-invitations.ts'
export type { Invitation } from './open-invitations.ts'
