// The numbers of invitations at a directory. The only way into this folder; nothing else loads it.
export { numbers } from './number-service.ts'
