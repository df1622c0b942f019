// What is shared, found and fetched, as the parley that runs on a profile reports it in JSON: read back into views. It
// knows nothing of what is done with them.
import { isJson, type Json, jsonList } from '../../lib/index.ts'
import { shortId } from '../../node/settings.ts'
import type {
  FoundFile,
  RemoteEntry,
  RemoteFolder,
  SearchReport,
  ShareAudience,
  ShareView,
  TransferView
} from '../chat-api/chat-api.ts'
import type { RunningParley } from './running-parley.ts'

/** How a line names each peer: by the name of the contact, as the parley that runs has it. */
export async function contactNames(parley: RunningParley): Promise<(peer: string) => string> {
  const { contacts } = await parley.ask({ do: 'contacts' })
  const names = new Map(jsonList(contacts).map(({ peer, name }) => [String(peer), String(name)]))
  return (peer) => names.get(peer) ?? shortId(peer)
}

export function readShare(json: Json): ShareView | undefined {
  const { name, folder, why } = json
  const audience = readAudience(json)
  if (typeof name !== 'string' || typeof folder !== 'string' || audience === undefined) return undefined
  return {
    name,
    folder,
    audience,
    isSearchable: json['searchable'] === true,
    files: Number(json['files']),
    sizeBytes: Number(json['sizeBytes']),
    readFiles: Number(json['readFiles']),
    readBytes: Number(json['readBytes']),
    isBusy: json['busy'] === true,
    ...(typeof why === 'string' ? { why } : {})
  }
}

/** @param labelOf as a line names the peer */
export function readFolder(json: Json, labelOf: (peer: string) => string): RemoteFolder {
  const peer = String(json['peer'])
  return {
    peer,
    label: labelOf(peer),
    path: String(json['path']),
    entries: jsonList(json['entries']).map(readEntry),
    hasMore: json['more'] === true
  }
}

export function readReport(json: Json, labelOf: (peer: string) => string): SearchReport {
  return {
    words: wordsOf(json['words']),
    files: readFound(json['files'], labelOf),
    asked: Number(json['asked']),
    silent: Number(json['silent']),
    hasMore: json['more'] === true
  }
}

export function readFound(files: unknown, labelOf: (peer: string) => string): readonly FoundFile[] {
  return jsonList(files).map(({ file, sizeBytes, sources }) => ({
    file: String(file),
    sizeBytes: Number(sizeBytes),
    sources: jsonList(sources).map((source) => ({
      peer: String(source['peer']),
      label: labelOf(String(source['peer'])),
      path: String(source['path'])
    }))
  }))
}

export function wordsOf(words: unknown): readonly string[] {
  return Array.isArray(words) ? words.map(String) : []
}

const states = ['offered', 'waiting', 'running', 'done', 'declined'] as const satisfies readonly TransferView['state'][]

/** @returns undefined for what is no transfer */
export function readTransfer(json: unknown, labelOf: (peer: string) => string): TransferView | undefined {
  if (!isJson(json) || typeof json['number'] !== 'number') return undefined
  const state = states.find((one) => one === json['state'])
  const { path, why } = json
  if (state === undefined) return undefined
  return {
    number: json['number'],
    direction: json['direction'] === 'out' ? 'out' : 'in',
    peer: String(json['peer']),
    label: labelOf(String(json['peer'])),
    file: String(json['file']),
    name: String(json['name']),
    sizeBytes: Number(json['sizeBytes']),
    state,
    doneBytes: Number(json['doneBytes']),
    ...(typeof path === 'string' ? { path } : {}),
    ...(typeof why === 'string' ? { why } : {})
  }
}

function readAudience(json: Json): ShareAudience | undefined {
  const whom = json['with']
  if (whom === 'contacts' || whom === 'lan') return { is: whom }
  return whom === 'peers' ? { is: 'peers', peers: wordsOf(json['peers']) } : undefined
}

function readEntry(json: Json): RemoteEntry {
  const name = String(json['name'])
  const sizeBytes = Number(json['sizeBytes'])
  if (json['is'] === 'folder') return { is: 'folder', name, sizeBytes }
  const { file } = json
  const modifiedAtMs = Number(json['modifiedAtMs'])
  return { is: 'file', name, sizeBytes, modifiedAtMs, file: typeof file === 'string' ? file : undefined }
}
