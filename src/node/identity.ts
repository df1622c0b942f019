// The Ed25519 key that is a peer's or directory's identity: made at the first
// start, kept in a file that only its owner may read.
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { chmod, readFile, stat } from 'node:fs/promises'
import { writeFileAtomically } from '../storage/index.ts'
import { UsageError } from './errors.ts'

const ownerOnly = 0o600
const permissionBits = 0o777

/**
 * Reads the key in `file`, or makes one there.
 *
 * @throws UsageError when the file is there and holds no private key; it is left as it is
 */
export async function loadIdentity(file: string): Promise<PrivateKey> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    const key = await generateKeyPair('Ed25519')
    await writeFileAtomically(file, privateKeyToProtobuf(key), ownerOnly)
    return key
  }
  const { mode } = await stat(file)
  if ((mode & permissionBits & ~ownerOnly) !== 0) await chmod(file, ownerOnly)
  try {
    return privateKeyFromProtobuf(bytes)
  } catch (error) {
    throw new UsageError(
      `${file} is not a private key: put back the right file, or move it away to begin with a new identity`,
      { cause: error }
    )
  }
}
