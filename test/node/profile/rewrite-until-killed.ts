// Writes the key file that is its first argument with and without a passphrase, in turn, until it is killed. Both forms
// are made once: what is to be met by the kill is the writing.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { encodeLockedKey, encodeOpenKey } from '../../../src/node/profile/key-file.ts'
import { OWNER_ONLY, replaceFile, writeFileAtomically } from '../../../src/storage/index.ts'

const [, , file = '', passphrase = ''] = process.argv
const key = await generateKeyPair('Ed25519')
const forms = [await encodeLockedKey(key, passphrase, { memoryKib: 32, passes: 1, lanes: 1 }), encodeOpenKey(key)]
await writeFileAtomically(file, encodeOpenKey(key), OWNER_ONLY)
process.stdout.write(`${key.publicKey.toString()}\n`)
for (;;) for (const form of forms) await replaceFile(file, form, OWNER_ONLY)
