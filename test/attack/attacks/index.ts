// All attacks, by the layer at which they work.
import type { Attack } from '../attack.ts'
import { connectionAttacks } from './connections.ts'
import { negotiationAttacks } from './negotiation.ts'
import { yamuxAttacks } from './yamux.ts'

export const attacks: readonly Attack[] = [...negotiationAttacks, ...connectionAttacks, ...yamuxAttacks]
