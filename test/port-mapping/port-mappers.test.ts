/** What routers are asked, and what is made of answers that are wrong, late or missing. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { natPmp, pcp, PCP_NONCE_BYTES, type PortMapper, upnp } from '../../src/port-mapping/index.ts'
import { decodeNatPmp } from '../../src/port-mapping/nat-pmp-messages.ts'
import { NoPortMappingError } from '../../src/port-mapping/port-mapper.ts'
import { controlPoint, descriptionUrl } from '../../src/port-mapping/upnp-messages.ts'
import { decodePcp, encodePcp } from '../../src/port-mapping/pcp-messages.ts'
import { gateway, natPmpRouter, pcpRouter, upnpRouter } from './routers.ts'

const { signal } = new AbortController()
const request = { port: 41_812, publicPort: 41_812, leaseS: 3_600, signal }

test('a router that speaks NAT-PMP opens the port, says where, and closes it again', async () => {
  const router = await natPmpRouter({ leaseS: 600 })
  const mapping = await natPmp({ gateway, gatewayPort: router.port }).open(request)
  expect(mapping).toMatchObject({
    protocol: 'NAT-PMP',
    localAddress: '127.0.0.1',
    port: 41_812,
    publicAddress: '203.0.113.5',
    publicPort: 41_812,
    leaseS: 600
  })
  expect(router.mapped.get(41_812)).toEqual({ publicPort: 41_812, leaseS: 600 })
  await mapping.close({ signal })
  expect(router.mapped.size).toBe(0)
})

test('a request of NAT-PMP that is lost is sent again', async () => {
  const router = await natPmpRouter({ losesFirst: 1 })
  const mapping = await natPmp({ gateway, gatewayPort: router.port }).open(request)
  expect(mapping.publicPort).toBe(41_812)
  expect(router.requests.length).toBeGreaterThan(2)
})

test('a router that refuses, speaks nonsense or is silent opens nothing, and holds nothing up', async () => {
  const refusing = await natPmpRouter({ result: 2 })
  await expect(natPmp({ gateway, gatewayPort: refusing.port }).open(request)).rejects.toThrow('does not allow')
  const babbling = await natPmpRouter({ says: Uint8Array.of(0, 128, 0) })
  await expect(natPmp({ gateway, gatewayPort: babbling.port }).open(request)).rejects.toBeInstanceOf(NoPortMappingError)
  const closed = natPmp({ gateway, gatewayPort: 9 }).open(request)
  await expect(closed).rejects.toThrow('does not speak it')
  const life = new AbortController()
  const opening = natPmp({ gateway, gatewayPort: babbling.port }).open({ ...request, signal: life.signal })
  life.abort(new Error('enough'))
  await expect(opening).rejects.toThrow('enough')
})

test('of any bytes NAT-PMP makes an answer or nothing, and throws nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.boolean(), (bytes, isAnswer) => {
      decodeNatPmp(isAnswer ? Uint8Array.of(0, 130, 0, 0, ...bytes) : bytes)
    })
  )
})

const nonce = Uint8Array.from({ length: PCP_NONCE_BYTES }, (_, index) => index + 1)

test('a router that speaks PCP opens the port, says where, and closes it again', async () => {
  const router = await pcpRouter()
  const mapper = pcp({ gateway, nonce, gatewayPort: router.port })
  const mapping = await mapper.open(request)
  expect(mapping).toMatchObject({
    protocol: 'PCP',
    localAddress: '127.0.0.1',
    port: 41_812,
    publicAddress: '203.0.113.5',
    publicPort: 41_812,
    leaseS: 3_600
  })
  expect(router.requests).toHaveLength(1)
  // The address of this machine stands in the request: a router that sees another one knows of a second router between.
  expect(router.requests[0]?.subarray(8, 24).toString('hex')).toBe('00000000000000000000ffff7f000001')
  expect((await mapper.open(request)).publicPort).toBe(41_812)
  await mapping.close({ signal })
  expect(router.mapped.size).toBe(0)
})

test('a port that another nonce has opened stays, and a router of the older protocol is named at once', async () => {
  const router = await pcpRouter()
  await pcp({ gateway, nonce, gatewayPort: router.port }).open(request)
  const other = pcp({ gateway, nonce: nonce.toReversed(), gatewayPort: router.port })
  await expect(other.open(request)).rejects.toThrow('does not allow')
  const older = await pcpRouter({ says: Uint8Array.of(0, 129, 0, 1, 0, 0, 0, 0) })
  await expect(pcp({ gateway, nonce, gatewayPort: older.port }).open(request)).rejects.toThrow('NAT-PMP only')
  const ofIpv6 = await pcpRouter({ publicAddress: [32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] })
  await expect(pcp({ gateway, nonce, gatewayPort: ofIpv6.port }).open(request)).rejects.toThrow('no IPv4 address')
})

test('of any bytes PCP makes an answer or nothing, and throws nothing', () => {
  const asked = { ...request, nonce, localAddress: '192.168.1.20' }
  const answer = encodePcp(asked).with(1, 129)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat({ max: 60 }), fc.nat({ max: 255 }), (bytes, at, value) => {
      decodePcp(bytes, asked)
      decodePcp(answer.subarray(0, at), asked)
      if (at < answer.length) decodePcp(answer.with(at, value), asked)
    })
  )
})

test('a port that a router opens while nobody waits any more is closed again', async () => {
  const [newer, older, web] = [
    await pcpRouter({ isMute: true }),
    await natPmpRouter({ isMute: true }),
    await upnpRouter({ opensSilently: true })
  ]
  const mappers: readonly (readonly [PortMapper, { readonly size: number }])[] = [
    [pcp({ gateway, nonce, gatewayPort: newer.port }), newer.mapped],
    [natPmp({ gateway, gatewayPort: older.port }), older.mapped],
    [upnp({ gateway, searchAt: web.searchAt }), web.mapped]
  ]
  for (const [mapper, mapped] of mappers) {
    const life = new AbortController()
    const opening = expect(mapper.open({ ...request, signal: life.signal })).rejects.toThrow('enough')
    await expect.poll(() => mapped.size).toBe(1)
    life.abort(new Error('enough'))
    await opening
    expect([mapper.protocol, mapped.size]).toEqual([mapper.protocol, 0])
  }
})

test('an order that nobody waits for takes no port away from another machine', async () => {
  const router = await upnpRouter({ taken: ['41812'], opensSilently: true })
  router.mapped.set(
    '41812',
    '<NewInternalClient>192.168.1.99</NewInternalClient><NewInternalPort>41812</NewInternalPort>'
  )
  const life = new AbortController()
  const opening = upnp({ gateway, searchAt: router.searchAt }).open({ ...request, signal: life.signal })
  const refused = expect(opening).rejects.toThrow('enough')
  await expect.poll(() => router.orders.length).toBe(2)
  life.abort(new Error('enough'))
  await refused
  expect(router.orders.at(-1)).toContain('#GetSpecificPortMappingEntry')
  expect(router.mapped.size).toBe(1)
})

test('a router that speaks UPnP opens the port, says where, and closes it again', async () => {
  const router = await upnpRouter()
  const mapping = await upnp({ gateway, searchAt: router.searchAt }).open(request)
  expect(mapping).toMatchObject({ protocol: 'UPnP', publicAddress: '203.0.113.5', publicPort: 41_812, leaseS: 3_600 })
  expect(router.mapped.get('41812')).toContain('<NewInternalClient>127.0.0.1</NewInternalClient>')
  expect(router.orders.at(-1)).toContain('"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping"')
  await mapping.close({ signal })
  expect(router.mapped.size).toBe(0)
})

test('where the public port is taken another one is opened; a router that knows no leases is asked for none', async () => {
  const router = await upnpRouter({ taken: ['41812'], onlyPermanent: true })
  const mapping = await upnp({ gateway, searchAt: router.searchAt, random: () => 0 }).open(request)
  expect(mapping).toMatchObject({ publicPort: 49_152, leaseS: Infinity, port: 41_812 })
  expect([...router.mapped.keys()]).toEqual(['49152'])
})

test('a router sends nobody elsewhere: not to another machine for its description, nor for its orders', async () => {
  const elsewhere = await upnpRouter({ location: 'http://192.0.2.1:80/desc.xml' })
  await expect(upnp({ gateway, searchAt: elsewhere.searchAt }).open(request)).rejects.toThrow('does not answer')
  const redirecting = await upnpRouter({
    description: (type) =>
      `<service><serviceType>${type}</serviceType><controlURL>http://192.0.2.1/x</controlURL></service>`
  })
  await expect(upnp({ gateway, searchAt: redirecting.searchAt }).open(request)).rejects.toThrow('does not say where')
})

test('a description without an end, an address that is none and an order that hangs end with an error', async () => {
  const endless = await upnpRouter({ description: () => '<service>'.repeat(20_000) })
  await expect(upnp({ gateway, searchAt: endless.searchAt }).open(request)).rejects.toThrow('more than 65536 bytes')
  const lying = await upnpRouter({ publicAddress: 'example.org' })
  await expect(upnp({ gateway, searchAt: lying.searchAt }).open(request)).rejects.toThrow('no address')
  const hanging = await upnpRouter({ hangs: true })
  const life = new AbortController()
  const opening = upnp({ gateway, searchAt: hanging.searchAt }).open({ ...request, signal: life.signal })
  const refused = expect(opening).rejects.toThrow('enough')
  await expect.poll(() => hanging.orders.length).toBe(1)
  life.abort(new Error('enough'))
  await refused
})

test('a router that answers with another protocol ends the question, and one that gives a page as its code is quoted shortly', async () => {
  const switching = await upnpRouter({ switchesProtocol: true })
  await expect(upnp({ gateway, searchAt: switching.searchAt }).open(request)).rejects.toThrow('does not answer')
  const talking = await upnpRouter({ taken: ['41812'], errorCode: '7'.repeat(60_000) })
  await expect(upnp({ gateway, searchAt: talking.searchAt }).open(request)).rejects.toThrow(
    /^the router refuses: No \(500\)$/u
  )
})

test('any text is read as a description or an answer without an error, and in a time that grows with its length', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      descriptionUrl(`HTTP/1.1 200 OK\r\nLocation: ${text}`, gateway)
      controlPoint(`<service><serviceType>${text}`, new URL('http://127.0.0.1/'))
    })
  )
  expect(descriptionUrl('HTTP/1.1 200 OK\r\nLOCATION: https://127.0.0.1/x\r\n', gateway)).toBeUndefined()
  expect(descriptionUrl('HTTP/1.1 200 OK\r\nlocation: http://127.0.0.1:5000/x\r\n', gateway)?.port).toBe('5000')
})
