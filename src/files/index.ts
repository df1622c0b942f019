/**
 * Files between two peers: their identity, the protocol on which their bytes are fetched, and how they lie on the disk.
 *
 * @example
 * const node = await createLibp2p({ ..., services: { files: files({ offers }) } })
 * const download = new Download({ file, sizeBytes, part, create, events })
 * download.add(peer, await node.services.files.open(connection, { signal }))
 * const path = await download.whole
 */
export { bytesAsFile, bytesId } from './bytes-file.ts'
export { numberedName, safeFileName } from './disk/file-name.ts'
export { FileOpener } from './disk/file-opener.ts'
export { checkRoom, NoRoomError, PartFile, removePart, type PartInit } from './disk/part-file.ts'
export { hashFile, NotSendableError, SharedFile, type FileState, type HashedFile } from './disk/shared-file.ts'
export { Download, type DownloadEvents } from './download.ts'
export type { DropReason } from './download-plan.ts'
export {
  decodeManifest,
  encodeManifest,
  folderSums,
  ManifestError,
  MAX_MANIFEST_BYTES,
  type FolderEntry
} from './folder/folder-manifest.ts'
export { localNames } from './folder/local-names.ts'
export { readFolder, type ReadFolder } from './folder/read-folder.ts'
export { files, type FileService, type FileServiceInit } from './file-service.ts'
export type { FilesOnOffer, OfferedFile } from './upload-session.ts'
