// All attacks, by the layer at which they work.
import type { Attack } from '../attack.ts'
import { chatAttacks } from './chat.ts'
import { connectionAttacks } from './connections.ts'
import { federationAttacks } from './federation.ts'
import { namedRelayAttacks } from './named-relay.ts'
import { negotiationAttacks } from './negotiation.ts'
import { pageAttacks } from './page.ts'
import { pathAndFileAttacks } from './paths-and-files.ts'
import { presenceAttacks } from './presence.ts'
import { relayAttacks } from './relays.ts'
import { shareAttacks } from './shares.ts'
import { webSocketAttacks } from './websocket.ts'
import { yamuxAttacks } from './yamux.ts'

export const attacks: readonly Attack[] = [
  ...negotiationAttacks,
  ...connectionAttacks,
  ...yamuxAttacks,
  ...chatAttacks,
  ...presenceAttacks,
  ...federationAttacks,
  ...relayAttacks,
  ...namedRelayAttacks,
  ...pathAndFileAttacks,
  ...pageAttacks,
  ...shareAttacks,
  ...webSocketAttacks
]
