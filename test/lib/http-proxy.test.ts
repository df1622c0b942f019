import { expect, test } from 'vitest'
import { isExempt, readProxy } from '../../src/lib/index.ts'

test('a proxy is read as other programs write it, and no other kind of proxy is', () => {
  expect(readProxy('http://proxy.example:3128')).toEqual({ host: 'proxy.example', port: 3128 })
  expect(readProxy('http://proxy.example/')).toEqual({ host: 'proxy.example', port: 80 })
  expect(readProxy('10.0.0.1:8080')).toEqual({ host: '10.0.0.1', port: 8080 })
  expect(readProxy('http://[fd00::1]:8080')).toEqual({ host: 'fd00::1', port: 8080 })
  expect(readProxy('http://anna:s%40crt@proxy.example:3128')).toMatchObject({ credentials: 'anna:s@crt' })
  for (const bad of [
    '',
    'socks5://proxy:1080',
    'https://proxy',
    'http://proxy/path',
    'http://a:%zz@proxy',
    'http://'
  ]) {
    expect(readProxy(bad), bad).toBeUndefined()
  }
})

test('a host is exempt with all below it, and no host that only ends alike', () => {
  for (const exempt of ['example', '.example', '*.example', 'EXAMPLE', '*']) {
    expect(isExempt('chat.example', [exempt]), exempt).toBe(true)
  }
  expect(isExempt('example', ['example'])).toBe(true)
  expect(isExempt('notexample', ['example'])).toBe(false)
  expect(isExempt('chat.example', [])).toBe(false)
})
