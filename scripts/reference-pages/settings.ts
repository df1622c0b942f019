// The page of all settings, from their table. An example must be one that the
// setting takes; what the help leaves out stands beside it here.
import { flagOf } from '../../src/cli/options/option-table.ts'
import { loadConfig } from '../../src/node/config/config.ts'
import { helpAmongAll, settingSpecs } from '../../src/node/config/setting-specs.ts'
import { settingText } from '../../src/node/config/setting-values.ts'
import type { SettingName } from '../../src/node/config/setting-specs.ts'
import { cell, table } from './markdown.ts'

const examples: Readonly<Record<SettingName, string>> = {
  profile: 'work',
  network: 'lan-party',
  name: 'anna',
  status: 'in the kitchen',
  port: '41812',
  host: '192.168.1.20',
  directory: 'chat.example:8000',
  defaultDirectories: 'false',
  relayVia: '/ip4/203.0.113.7/tcp/4001/p2p/12D3KooWCbJ6SGTETXjRjthKhrvKTo5tVSxsKx6aR75CZMtUCfbw',
  proxy: 'http://proxy.example:3128',
  proxyExcept: 'internal.example',
  portMapping: 'false',
  join: 'north.example:8000',
  federate: 'named',
  relay: 'off',
  relayOnly: 'true',
  relayRate: '16MiB',
  relayCircuits: '1000',
  stun: 'off',
  wsPort: '8081',
  wsHost: '10.0.0.7',
  wsAnnounce: 'wss://directory.example',
  trustedProxy: '10.0.0.0/8',
  direct: 'never',
  accept: 'lan',
  files: '20MiB',
  mdns: 'false',
  mdnsLibp2p: 'true',
  seen: 'true',
  typing: 'false',
  presenceLines: 'none',
  notify: 'texts',
  secondWindow: 'another',
  giveUp: '12h',
  keep: '90d',
  contactQuota: '500MiB',
  minFree: '1GiB'
}

/** Defaults that are no fixed value. */
const defaults: Readonly<Partial<Record<SettingName, string>>> = {
  name: "the last one given with `--name` or `/name`; else your login name, in another profile the profile's name",
  port: 'a free one, kept from the first start',
  host: 'all',
  directory: 'those that are found',
  relayVia: 'none',
  join: 'those on the LAN',
  wsPort: 'none',
  wsHost: '`127.0.0.1`',
  wsAnnounce: 'none',
  trustedProxy: 'none',
  status: 'none',
  typing: 'the last `/typing`, else `true`'
}

const notes: Readonly<Partial<Record<SettingName, string>>> = {
  profile: 'Up to 32 letters, digits, dots, dashes and underscores.',
  name: 'Not empty, not a number, not `EXIT` or `QUIT`, not beginning with `/`, and without `"`. Quotes around it are left out.',
  join: 'A port on this machine, `HOST:PORT` or a multiaddr.',
  relayVia:
    'A port on this machine, `HOST:PORT` or a multiaddr; at most four. A relay of circuit relay v2, of whatever program: Parley says when it can be used, and what limits it has.',
  mdnsLibp2p:
    'They are found under the service name that libp2p programs share (`_p2p._udp.local`), and are listed below the people in `/who` until a conversation with them is open. Without `mdns` it does nothing.',
  presenceLines:
    '`smart` shows those up to `SMART_FILTER_MS` after a message of either side. On the full screen consecutive ones share a line. The title and the status bar always show who is there.',
  notify: 'By `notify-send`, where there is a desktop. Windows tell of messages in their own way.',
  secondWindow: '`same` is another window of the same person; it ends with the first one, which holds the node.',
  contactQuota: 'What is refused waits at its sender.',
  minFree: 'On a small disk it is 5 % of the disk. What is refused waits at its sender.',
  keep: 'Shortening it deletes what is older at the next start, for good.'
}

export async function settingsPage(): Promise<string> {
  const env = { XDG_CONFIG_HOME: '/nowhere', XDG_DATA_HOME: '/nowhere' }
  const { settings } = await loadConfig({ flags: {}, env })
  const rows = settingSpecs.map((spec) => {
    const { name, placeholder, byDefault, parse } = spec
    const example = examples[name]
    parse(example)
    const options =
      placeholder === undefined ? [flagOf(spec), flagOf(spec, byDefault === true)] : [`${flagOf(spec)} ${placeholder}`]
    const value = defaults[name] ?? `\`${settingText(spec, settings[name])}\``
    return [
      `\`${name}\``,
      `\`${spec.env}\``,
      options.map((option) => `\`${option}\``).join(', '),
      value,
      `\`${example}\``,
      [helpAmongAll(spec), notes[name]].filter((part) => part !== undefined).join('. ')
    ]
  })
  return `# Settings

Written by \`npm run reference\` from the program's table of settings.

A value comes from the first of these that has one: the option, the environment variable, the file, what the profile
remembers (nickname, typing notices and port), the default. \`parley config\` shows each value and where it comes from; \`parley config set\` and
\`parley config unset\` change the file. The file is \`config.json\` in the [configuration folder](files.md): one JSON
object with the names of the first column. Comments (\`//\` and \`/* */\`) and a byte order mark are allowed; an unknown
name is an error. A switch takes \`true\` or \`false\`; of its two options \`--help\` lists the one that changes the
default. TIME is a number with \`s\`, \`m\`, \`h\` or \`d\`, SIZE one with \`KiB\`, \`MiB\`, \`GiB\` or \`TiB\`.

${table(
  ['setting', 'variable', 'option', 'default', 'example', 'meaning'],
  rows.map((row) => row.map(cell))
)}
Variables that are no settings: \`PARLEY_DEBUG=1\` adds the place in the program to an unexpected error; \`PARLEY_TUNING=off\` runs on [stock libp2p](../internals/libp2p-patches.md); \`PARLEY_HTTP\`,
\`PARLEY_HTTP_HOST\` and \`PARLEY_HTTP_NAME\` are options of [\`parley directory\`](commands.md#parley-directory).
`
}
