// Disks of a test's own: small file systems in memory, which it fills to the last byte. Mounts need root on Linux.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The system's own programs, not of a package. */
const tool = { mount: 'mount', unmount: 'umount' }
const mounted: string[] = []

/** A file that takes what is left of a small disk. */
const ballastOf = (folder: string): string => join(folder, 'ballast')

/** The last argument is where. {@link unmountAll} undoes it. */
export function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(tool.mount, args)
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr.toString()}`)
  const target = args.at(-1) ?? ''
  if (!mounted.includes(target)) mounted.push(target)
}

/** @param size as mount takes it, such as `3m` */
export function mountSmallDisk(folder: string, size: string): void {
  mkdirSync(folder, { recursive: true })
  mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder)
}

/** Until not one byte more has room. */
export function fillUp(folder: string): void {
  spawnSync('sh', ['-c', 'cat /dev/zero > "$0"', ballastOf(folder)], { stdio: 'ignore' })
}

/** Room again, of this size in all. */
export function makeRoom(folder: string, size: string): void {
  rmSync(ballastOf(folder), { force: true })
  mount('-o', `remount,size=${size}`, folder)
}

export function unmountAll(): void {
  for (const target of mounted.splice(0).toReversed()) spawnSync(tool.unmount, ['-l', target])
}

export function canMount(): boolean {
  const target = mkdtempSync(join(tmpdir(), 'parley-mount-'))
  const isDone = spawnSync(tool.mount, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', target]).status === 0
  if (isDone) spawnSync(tool.unmount, [target])
  rmSync(target, { recursive: true })
  return isDone
}
