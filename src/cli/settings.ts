// The settings, errors and exit codes of the node, without the node: this is
// what --help and --version need, and importing libp2p for them would cost a
// second. Nothing else in src/cli goes around the index of src/node.
export { loadConfig, settingSpecs, type Config, type SettingName, type SettingSpec } from '../node/config.ts'
export { ParleyError, PeerNotFoundError, UsageError } from '../node/errors.ts'
export { exitCodes, type ExitCode } from '../node/exit-codes.ts'
export { version } from '../node/version.ts'
