// Records with strace what a program asks of the disk and what it prints, and plays it again on a disk that keeps for sure only
// what was synced is sure. It knows the lines of strace and nothing of what the program keeps.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { RecordedDisk } from './recorded-disk.ts'

const calls =
  'openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,' +
  // Those that the player does not know: it ends when it meets one.
  'writev,pwritev,fallocate,copy_file_range,sendfile,truncate'
/** Longer than any write. */
const recordedBytes = 32 * 1024 * 1024
/** No words of the system's own: they are matched. */
const environment = { PATH: process.env['PATH'], LC_ALL: 'C' }
const standardOutput = 1
/** The system's own program, not of a package. */
const tool = { trace: 'strace' }

/** Runs the command under strace to its end. */
export async function record(file: string, command: readonly string[]): Promise<void> {
  const options = ['-f', '-qq', '-y', '-xx', '-s', String(recordedBytes), '-o', file, '-e', `trace=${calls}`]
  const child = spawn(tool.trace, [...options, ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: environment
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command.join(' ')} under strace ended with ${code}`)
}

export interface PlayInit {
  readonly disk: RecordedDisk
  /** What the program prints, when it begins to. */
  readonly onPrinted: (text: string) => void
  /** After each call that the disk has had. @returns false to end */
  readonly onStep: (step: number) => Promise<boolean>
}

interface Call {
  readonly name: string
  readonly args: string
}

/** Of a call that is under way. */
interface Begun extends Call {
  readonly endSync: (() => void) | undefined
}

/** @returns how many steps there were */
export async function play(file: string, { disk, onPrinted, onStep }: PlayInit): Promise<number> {
  const positions = new Map<number, number>()
  const begun = new Map<string, Begun>()
  let steps = 0
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const [, process = '', rest = ''] = /^(\d+) +(.*)$/su.exec(line) ?? []
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/su.exec(rest)
    const call = resumed === null ? callOf(rest) : begun.get(process)
    if (call === undefined) continue // an exit, or a signal
    const begins =
      resumed === null ? begin(call, disk, onPrinted) : (begun.get(process) ?? { ...call, endSync: undefined })
    if (rest.endsWith('<unfinished ...>')) {
      begun.set(process, begins)
      continue
    }
    begun.delete(process)
    const result = /\) += (-?\d+)/u.exec(resumed?.[1] ?? rest)?.[1]
    if (result === undefined || Number(result) < 0) continue
    if (!end(begins, Number(result), { disk, positions })) continue
    steps++
    if (!(await onStep(steps))) break
  }
  return steps
}

function callOf(text: string): Call | undefined {
  const [, name, args] = /^(\w+)\((.*)$/su.exec(text) ?? []
  return name === undefined || args === undefined ? undefined : { name, args }
}

/** What a program prints counts from the beginning of the call; what it writes to a file, from its end. */
function begin(call: Call, disk: RecordedDisk, onPrinted: (text: string) => void): Begun {
  const isSync = call.name === 'fsync' || call.name === 'fdatasync'
  if (isSync) return { ...call, endSync: disk.beginSync(openFileOf(call).path) }
  if (call.name === 'write' && openFileOf(call).descriptor === standardOutput) onPrinted(bytesOf(call.args).toString())
  return { ...call, endSync: undefined }
}

/** @returns whether it was of the recorded folder */
function end(
  call: Begun,
  result: number,
  { disk, positions }: { readonly disk: RecordedDisk; readonly positions: Map<number, number> }
): boolean {
  switch (call.name) {
    case 'fsync':
    case 'fdatasync':
      call.endSync?.()
      return true
    case 'openat': {
      const path = namesOf(call.args).at(-1) ?? ''
      if (!disk.holds(path)) return false
      if (call.args.includes('O_CREAT')) disk.make(path)
      if (call.args.includes('O_TRUNC')) disk.change(path, { is: 'truncate', size: 0 })
      positions.set(result, call.args.includes('O_APPEND') ? disk.sizeBytes(path) : 0)
      return true
    }
    case 'write':
    case 'pwrite64': {
      const { path, descriptor } = openFileOf(call)
      if (!disk.holds(path)) return false
      const position = positions.get(descriptor) ?? 0
      const offset = call.name === 'write' ? position : lastNumberOf(call)
      disk.change(path, { is: 'write', offset, bytes: bytesOf(call.args).subarray(0, result) })
      if (call.name === 'write') positions.set(descriptor, position + result)
      return true
    }
    case 'ftruncate': {
      const { path } = openFileOf(call)
      if (!disk.holds(path)) return false
      disk.change(path, { is: 'truncate', size: lastNumberOf(call) })
      return true
    }
    case 'rename':
    case 'renameat':
    case 'renameat2': {
      const [from = '', to = ''] = namesOf(call.args)
      if (!disk.holds(from)) return false
      disk.rename(from, to)
      return true
    }
    case 'unlink':
    case 'unlinkat': {
      const [path = ''] = namesOf(call.args)
      if (!disk.holds(path)) return false
      disk.remove(path)
      return true
    }
    default:
      if (/^\d+</u.test(call.args) && !disk.holds(openFileOf(call).path)) return false
      throw new Error(`the program has called ${call.name}, which can't be played`)
  }
}

/** Strings and paths are written as \x2f\x74 …, so that none of them holds what the lines are taken apart by. */
function openFileOf({ args }: Call): { readonly descriptor: number; readonly path: string } {
  const [, descriptor = '-1', path = ''] = /^(\d+)<([^>]*)>/u.exec(args) ?? []
  return { descriptor: Number(descriptor), path: fromHex(path).toString() }
}

function lastNumberOf({ name, args }: Call): number {
  const number = /, (\d+)(?:\) += -?\d+| <unfinished \.\.\.>)/u.exec(args)?.[1]
  if (number === undefined) throw new Error(`a call of ${name} can't be read`)
  return Number(number)
}

function namesOf(args: string): readonly string[] {
  return [...args.matchAll(/"([^"]*)"/gu)].map(([, name = '']) => fromHex(name).toString())
}

function bytesOf(args: string): Buffer {
  const begins = args.indexOf('"') + 1
  return fromHex(args.slice(begins, args.indexOf('"', begins)))
}

function fromHex(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex')
}
