// The other way into this folder: settings, errors and exit codes, which know no
// libp2p. A command that only shows its help or its version enters here and
// starts in a tenth of the time.
export { isTooWide, parsePort, readCidr, settingText, sizeText, type SettingValue } from './config/setting-values.ts'
export { changeConfigFile, readConfigFile } from './config/config-file.ts'
export {
  configFileOf,
  fileValue,
  loadConfig,
  loadProfileConfig,
  settingSpec,
  settingViews,
  type Config
} from './config/config.ts'
export {
  DEFAULT_DIRECTORY_PORTS,
  defaultProfile,
  helpAmongAll,
  kebabCase,
  settingSpecs,
  type PresenceLines,
  type SettingName,
  type SettingSpec
} from './config/setting-specs.ts'
export {
  AmbiguousPeerError,
  fileFault,
  KeyLockedError,
  ParleyError,
  PeerNotFoundError,
  processNote,
  ProfileInUseError,
  quote,
  UsageError,
  WrongPassphraseError
} from './api/errors.ts'
export type { SettingView } from './api/chat-api.ts'
export { doctorCauses, type DoctorFinding, type DoctorReport } from './api/doctor-report.ts'
export { exitCodes, type ExitCode } from './api/exit-codes.ts'
export { profileFolder } from './config/folders.ts'
export {
  readTypedLines,
  type TypedLine,
  typedLinesFile,
  typedLinesText,
  withoutConversation
} from './profile/typed-lines.ts'
export type { TypedLines } from './profile/typed-lines.ts'
export type { LockedIdentity, Unlocker } from './profile/identity.ts'
export { isPortFree, whyNotListening } from './dialing/listening.ts'
export { mayAskForPassphrase, profileKeyProtection, type KeyProtection } from './profile/profile-preview.ts'
export { compareRows, isMarked, NAMESAKE_MARK, peerLabel } from './peers/peer-label.ts'
export { isProfileHeld, profileHolder } from './profile/profile-preview.ts'
export { withProfileDefaults } from './profile/profile-preview.ts'
export { SHORT_ID_CHARS, shortId } from '../lib/index.ts'
export { packageFolder, version } from './config/version.ts'
export { PortTakenError } from './dialing/listening.ts'
