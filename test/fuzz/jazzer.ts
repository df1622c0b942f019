/**
 * Jazzer.js (libFuzzer for JavaScript) as far as it is used here. It instruments what is loaded by `require` after
 * `initFuzzing`, keeps the counters, and changes the inputs.
 *
 * @see https://github.com/CodeIntelligenceTesting/jazzer.js
 */
import Module, { createRequire } from 'node:module'
import { compatibleAddon } from './compatible-addon.ts'

type FuzzFunction = (input: Uint8Array) => void | Promise<void>

export interface JazzerOptions {
  merge(values: Readonly<Record<string, unknown>>, source: number): JazzerOptions
}

/** The part of `@jazzer.js/core` that is used; its own types would be needed on each machine that checks this clone. */
export interface Jazzer {
  readonly OptionsManager: new (source: number) => JazzerOptions
  readonly OptionSource: { readonly DefaultCLIOptions: number; readonly CommandLineArguments: number }
  registerGlobals(options: JazzerOptions): void
  initFuzzing(options: JazzerOptions): Promise<unknown>
  asFindingAwareFuzzFn(run: FuzzFunction): FuzzFunction
  startFuzzingNoInit(run: FuzzFunction, options: JazzerOptions): Promise<{ readonly returnCode: number }>
}

/** Counters of the branches that the last inputs took, one byte each. */
export interface Counters {
  readonly coverageMap: Uint8Array
  readonly currentNumCounters: number
}

interface NativeLoader {
  (module: NodeJS.Module, file: string): void
}

const requireHere = createRequire(import.meta.url)

/** @param folder for the copy of the addon that loads here */
export function loadJazzer(folder: string): Jazzer {
  // Node's own table of loaders, which its types leave out.
  const loaders: Record<string, NativeLoader> = Reflect.get(Module, '_extensions')
  const load = loaders['.node']
  if (load !== undefined) {
    loaders['.node'] = (module, file) => {
      load(module, file.includes('@jazzer.js') ? compatibleAddon(file, folder) : file)
    }
  }
  return requireHere('@jazzer.js/core') as Jazzer
}

/** After `registerGlobals`. */
export function counters(): Counters {
  return (globalThis as unknown as { readonly Fuzzer: { readonly coverageTracker: Counters } }).Fuzzer.coverageTracker
}
