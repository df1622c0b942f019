/** All fuzz targets, by the file that they lie in: a file is bundled as one. */
import type { FuzzTarget } from '../fuzz-target.ts'
import { targets as chat } from './chat.ts'
import { targets as direct } from './direct.ts'
import { targets as directory } from './directory.ts'
import { targets as doctor } from './doctor.ts'
import { targets as faces } from './faces.ts'
import { targets as files } from './files.ts'
import { targets as host } from './host.ts'
import { targets as invite } from './invite.ts'
import { targets as lan } from './lan.ts'
import { targets as local } from './local.ts'
import { targets as relay } from './relay.ts'
import { targets as routers } from './routers.ts'
import { targets as servers } from './servers.ts'
import { targets as shares } from './shares.ts'
import { targets as stun } from './stun.ts'
import { targets as transfers } from './transfers.ts'
import { targets as websocket } from './websocket.ts'
import { targets as wire } from './wire.ts'

export const targetGroups: Readonly<Record<string, readonly FuzzTarget[]>> = {
  chat,
  direct,
  directory,
  wire,
  host,
  servers,
  invite,
  routers,
  lan,
  local,
  stun,
  files,
  shares,
  websocket,
  doctor,
  faces,
  relay,
  transfers
}
