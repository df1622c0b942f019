// What one setting is: a row of the table of settings.
import type { SettingValue } from './setting-values.ts'

export interface Setting<Name extends string, Value extends SettingValue> {
  readonly name: Name
  /** The nodes that it means something to. */
  readonly of: 'chat' | 'directory' | 'both'
  /** How the value looks on the command line; absent for a switch. */
  readonly placeholder?: string
  /** Of a setting for a directory, as a directory's own help has it. */
  readonly help: string
  readonly parse: (text: string) => Value
  /** Variables of other programs that count where nobody has set it for Parley; a value that is not understood is none. */
  readonly commonEnv?: readonly string[]
  /** Writes the value in the form that `parse` reads; absent where that is the plain value. */
  readonly write?: (value: number) => string
  /** Of a list it is a list, of a switch true or false. */
  readonly byDefault: NoInfer<Value> | ((profile: SettingValue) => NoInfer<Value>)
}

/** One row of the table of settings, with the types that its values give it. */
export function setting<const Name extends string, Value extends SettingValue>(
  row: Setting<Name, Value>
): Setting<Name, Value> {
  return row
}
