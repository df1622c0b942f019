// The other way into this folder: settings, errors and exit codes, which know no
// libp2p. A command that only shows its help or its version enters here and
// starts in a tenth of the time.
export {
  defaultProfile,
  kebabCase,
  loadConfig,
  parsePort,
  settingSpecs,
  type Config,
  type SettingName,
  type SettingSpec
} from './config.ts'
export {
  fileFault,
  KeyLockedError,
  ParleyError,
  PeerNotFoundError,
  UsageError,
  WrongPassphraseError
} from './errors.ts'
export { exitCodes, type ExitCode } from './exit-codes.ts'
export { profileFolder } from './folders.ts'
export type { LockedIdentity, Unlocker } from './identity.ts'
export { mayAskForPassphrase } from './key-peek.ts'
export { withRemembered } from './remembered.ts'
export { SHORT_ID_CHARS, shortId } from './short-id.ts'
export { sizeText } from './size.ts'
export { packageFolder, version } from './version.ts'
