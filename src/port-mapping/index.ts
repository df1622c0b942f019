/**
 * Port mapping: ports of the router that lead to this node (PCP, NAT-PMP, UPnP). It knows routers,
 * and neither peers nor what is announced.
 */

export { MappedPort, type PortMappingState } from './mapped-port.ts'
export { natPmp } from './nat-pmp.ts'
export { pcp } from './pcp.ts'
export { PCP_NONCE_BYTES } from './pcp-messages.ts'
export type { PortMapping, PortMapper } from './port-mapper.ts'
export { upnp } from './upnp.ts'
