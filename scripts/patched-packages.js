// What the build changes in packages that it bundles: each patch is an exact
// piece of text and what stands there instead, with the reason. Nothing in
// node_modules is touched, so that an installation needs no script. A patch whose
// text is not found ends the build: the package has changed, and the patch has to
// be looked at. docs/decisions/0015 says what upstream would have to change.
import { readFile } from 'node:fs/promises'
import { sep } from 'node:path'

/**
 * @typedef {object} Patch
 * @property {string} file within node_modules
 * @property {string} why
 * @property {string} find
 * @property {string} replace
 */

/** @type {readonly Patch[]} */
export const patches = [
  {
    file: '@libp2p/utils/dist/src/stream-utils.js',
    why: 'lpStream looks at the length of a length prefix only when it is whole: one that never ends is read for ever',
    find: `                catch (err) {
                    if (err instanceof RangeError) {
                        continue;
                    }
                    throw err;
                }
                if (dataLength < 0) {`,
    replace: `                catch (err) {
                    if (err instanceof RangeError) {
                        if (lengthBuffer.byteLength >= (opts?.maxLengthLength ?? 8)) {
                            throw new InvalidDataLengthLengthError(\`Message length length too long - more than \${lengthBuffer.byteLength}\`);
                        }
                        continue;
                    }
                    throw err;
                }
                if (dataLength < 0) {`
  },
  {
    file: '@chainsafe/libp2p-noise/dist/src/crypto/index.js',
    why:
      'it compiles two programs of WebAssembly when it is loaded, 88 KB of text and a megabyte and a half of memory, which ' +
      'only a machine without sodium-native would use: there Node seals the short messages as it does the long ones',
    find: `import { newInstance, ChaCha20Poly1305 } from '@chainsafe/as-chacha20poly1305';
import { digest } from '@chainsafe/as-sha256';
import { Uint8ArrayList } from 'uint8arraylist';
import { isElectronMain } from 'wherearewe';
import { pureJsCrypto } from "./js.js";
const ctx = newInstance();
const asImpl = new ChaCha20Poly1305(ctx);`,
    replace: `import { Uint8ArrayList } from 'uint8arraylist';
import { isElectronMain } from 'wherearewe';
import { pureJsCrypto } from "./js.js";
const digest = (data) => nodeCrypto.hashSHA256(data);
const asImpl = {
    seal: (k, nonce, plaintext, ad) => nodeCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, k),
    open: (k, nonce, ciphertext, ad) => nodeCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, k)
};`
  },
  {
    file: 'main-event/dist/src/index.js',
    why:
      'each listener gets two closures and a record of options, also one that is a function without options, as nearly all ' +
      'are: a connection has thirty of them, which is 6 KB',
    find: `        super.addEventListener(type, wrapper, options);
`,
    replace: `        if (typeof listener === 'function' && !options.once && !options.capture && options.signal == null && options.passive == null) {
            super.addEventListener(type, listener);
            list.push({ callback: listener, wrapper: listener, options: false });
            return;
        }
        super.addEventListener(type, wrapper, options);
`
  },
  {
    file: '@libp2p/peer-store/dist/src/utils/to-peer-pb.js',
    why:
      'the first comparison of texts in the order of a language loads three megabytes of tables; what is sorted here has only to be ' +
      'in the same order each time',
    find: `        protocols: [...protocols.values()].sort((a, b) => {
            return a.localeCompare(b);
        }),`,
    replace: `        protocols: [...protocols.values()].sort(),`
  },
  {
    file: '@libp2p/peer-store/dist/src/utils/to-peer-pb.js',
    why: 'the same, of names of metadata and tags',
    find: `    for (const [key, value] of entries.sort(([a], [b]) => {
        return a.localeCompare(b);
    })) {`,
    replace: `    for (const [key, value] of entries.sort(([a], [b]) => (a < b ? -1 : 1))) {`
  },
  {
    file: '@libp2p/peer-store/dist/src/utils/dedupe-addresses.js',
    why: 'the same, of addresses',
    find: `        return a.multiaddr.toString().localeCompare(b.multiaddr.toString());`,
    replace: `        return a.multiaddr.toString() < b.multiaddr.toString() ? -1 : 1;`
  }
]

/**
 * @param {Patch} patch
 * @param {string} text of the package's file
 * @throws when the text to be replaced does not stand there exactly once
 */
export function applied({ file, find, replace }, text) {
  const found = text.split(find).length - 1
  if (found === 1) return text.replace(find, () => replace)
  throw new Error(`the patch of ${file} applies ${found} times and not once: see scripts/patched-packages.js`)
}

/**
 * For esbuild.
 *
 * @returns {import('esbuild').Plugin}
 */
export function patchedPackages() {
  return {
    name: 'patched-packages',
    setup(build) {
      const applications = new Set()
      for (const [file, ofFile] of Map.groupBy(patches, (patch) => patch.file)) {
        // Either separator, for Windows; esbuild's own expressions know no flags.
        const escaped = file.replaceAll('.', String.raw`\.`).replaceAll('/', String.raw`[\\/]`)
        const filter = new RegExp(String.raw`node_modules[\\/]${escaped}$`)
        build.onLoad({ filter }, async ({ path }) => {
          let contents = await readFile(path, 'utf8')
          for (const patch of ofFile) {
            contents = applied(patch, contents)
            applications.add(patch)
          }
          return { contents, loader: 'js', resolveDir: path.slice(0, path.lastIndexOf(sep)) }
        })
      }
      build.onEnd(() => {
        const missing = patches.filter((patch) => !applications.has(patch))
        return { errors: missing.map(({ file }) => ({ text: `${file} is patched and not bundled any more` })) }
      })
    }
  }
}
