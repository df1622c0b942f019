// JSON that others wrote: objects and lists whose fields have to be looked at one by one.

/** An object of JSON; nothing is known of its fields. */
export type Json = Readonly<Record<string, unknown>>

/** @returns false for a list and for null too */
export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @returns undefined for text that is no JSON, or no object of it */
export function parseJson(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The objects of a list; an empty list for anything else. */
export function jsonList(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isJson) : []
}
