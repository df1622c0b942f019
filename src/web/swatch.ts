// A colour for each peer, made of its ID, so that an eye finds the same peer in
// the list and in the picture. It is a hint for eyes and proves nothing.

const hues = 24

/** @returns a hue in degrees, one of a few that can be told apart */
export function hueOf(id: string): number {
  let hash = 0
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) | 0
  return ((hash >>> 0) % hues) * (360 / hues)
}
