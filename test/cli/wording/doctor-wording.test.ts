import { expect, test } from 'vitest'
import { doctorLines, doctorListLines } from '../../../src/cli/wording/doctor-wording.ts'
import { fine, note, problem } from '../../../src/node/doctor/finding.ts'

test('a finding stands with its cause, what shows it, and the commands that mend it', () => {
  const closed = problem('port', 'firewall-port-in', 'a firewall on this machine drops connections to port 4001', {
    isLikely: true,
    evidence: ['the chain input drops them'],
    advice: 'Let TCP port 4001 in',
    commands: ['sudo ufw allow 4001/tcp']
  })
  expect(doctorLines({ findings: [fine('lan', 'mDNS works at eth0'), closed] })).toEqual([
    'ok       mDNS works at eth0',
    'PROBLEM  a firewall on this machine drops connections to port 4001',
    "         likely cause: a firewall on this machine drops connections to Parley's port",
    '         - the chain input drops them',
    '         Let TCP port 4001 in:',
    '             sudo ufw allow 4001/tcp',
    'One problem.'
  ])
})

test('problems stand last where lines scroll, and first in a list', () => {
  const findings = [problem('lan', 'clock', 'two'), fine('lan', 'one'), note('lan', 'three')]
  const heads = (lines: readonly string[]): readonly string[] => lines.filter((line) => !line.startsWith(' '))
  expect(heads(doctorLines({ findings }))).toEqual(['ok       one', 'note     three', 'PROBLEM  two', 'One problem.'])
  expect(heads(doctorListLines({ findings }))).toEqual(['PROBLEM  two', 'note     three', 'ok       one'])
})

test('notes are no problems', () => {
  const lines = doctorLines({ findings: [note('directory', 'no directory is in use', { advice: 'Start one' })] })
  expect(lines).toEqual(['note     no directory is in use', '         Start one', 'Nothing is broken here.'])
})

test('a list, which is narrow, leaves what stands below a finding its room', () => {
  const lines = doctorListLines({ findings: [note('directory', 'no directory is in use', { advice: 'Start one' })] })
  expect(lines).toEqual(['note     no directory is in use', '  Start one'])
})
