/**
 * The inputs that are kept: a file for each target, an input in base64 on each line. What follows a `#` says which
 * fault an input has shown; such a line stays, the others are found anew by `--keep`.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface KeptInput {
  readonly input: Uint8Array
  /** The fault that it has shown, which is mended. */
  readonly showed: string | undefined
}

const folder = fileURLToPath(new URL('corpus/', import.meta.url))

const head = `# Inputs of the fuzz target in base64, found by \`npm run fuzz -- --minutes N --keep\`; replay.test.ts tries each.\n`

export function keptInputs(target: string): KeptInput[] {
  let text: string
  try {
    text = readFileSync(fileOf(target), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [encoded = '', showed] = line.split(' # ')
      return { input: new Uint8Array(Buffer.from(encoded, 'base64')), showed }
    })
}

/** Those that have shown a fault stay, and go first. */
export function keepInputs(target: string, inputs: readonly Uint8Array[]): void {
  const faults = keptInputs(target).filter(({ showed }) => showed !== undefined)
  const lines = [
    ...faults.map(({ input, showed }) => `${base64(input)} # ${showed ?? ''}`),
    ...inputs.filter((input) => !faults.some((fault) => base64(fault.input) === base64(input))).map(base64)
  ]
  mkdirSync(folder, { recursive: true })
  writeFileSync(fileOf(target), `${head}${lines.join('\n')}\n`)
}

/** Lays them out as the fuzzer wants them: a file for each. */
export function unpackInputs(target: string, into: string): void {
  rmSync(into, { recursive: true, force: true })
  mkdirSync(into, { recursive: true })
  for (const { input } of keptInputs(target)) {
    writeFileSync(join(into, createHash('sha1').update(input).digest('hex')), input)
  }
}

function fileOf(target: string): string {
  return join(folder, `${target}.txt`)
}

function base64(input: Uint8Array): string {
  return Buffer.from(input).toString('base64')
}
