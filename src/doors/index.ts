/**
 * Doors: ports of the router that lead to this node (UPnP, NAT-PMP). It knows routers,
 * and neither peers nor what is announced.
 */

export { Doors, type DoorsInit, type DoorState } from './doors.ts'
export { natPmp } from './nat-pmp.ts'
export type { Door, PortMapper } from './port-mapper.ts'
export { upnp } from './upnp.ts'
