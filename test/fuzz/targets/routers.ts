/** What the router, or who answers in its place, may say when it is asked for a port. */
import { isIPv4 } from 'node:net'
import { decodeNatPmp } from '../../../src/port-mapping/nat-pmp-messages.ts'
import { decodePcp, encodePcp, PCP_NONCE_BYTES, type PcpRequest } from '../../../src/port-mapping/pcp-messages.ts'
import { between, controlPoint, descriptionUrl } from '../../../src/port-mapping/upnp-messages.ts'
import { promise, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const router = '192.168.1.1'
const page = new URL(`http://${router}:5000/desc.xml`)

const parts = [
  '<service>',
  '</service>',
  '<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>',
  '<controlURL>',
  '</controlURL>',
  '/ctl/IPConn',
  'http://192.0.2.1/ctl',
  `http://${router}:5000/ctl`,
  '//192.0.2.1/ctl'
]

function someDescription(reader: InputReader): Uint8Array {
  const texts = reader.list(24, () => (reader.byte() < 224 ? reader.oneOf(parts) : reader.text(24)))
  return Buffer.from(texts.join(''))
}

const descriptions: FuzzTarget = {
  name: 'router-descriptions',
  reaches: 'what a router says over UPnP: the answer to a search, its description, its answers to orders',
  seeds: () => [
    asIs(Buffer.from(parts.slice(0, 6).join(''))),
    asIs(Buffer.from(`HTTP/1.1 200 OK\r\nLOCATION: ${page.href}\r\n\r\n`)),
    choices(9, 0, 2, 3, 5, 4, 1)
  ],
  stretchEvery: 50,
  run(input) {
    const text = Buffer.from(bytesOf(input, someDescription)).toString('latin1')
    const at = descriptionUrl(text, router)
    promise(at === undefined || at.hostname === router, 'an answer leads to another machine')
    const control = controlPoint(text, page)
    promise(control === undefined || control.url.hostname === router, 'a description leads to another machine')
    between(text, 'errorCode')
  }
}

const natPmp: FuzzTarget = {
  name: 'nat-pmp-answers',
  reaches: 'answers of a router over NAT-PMP',
  seeds: () => [
    asIs(Buffer.from('008000000000000acb007105', 'hex')),
    asIs(Buffer.from('008200000000000aa354a35400000e10', 'hex')),
    asIs(Buffer.from('008200020000000a', 'hex'))
  ],
  run(input) {
    const answer = decodeNatPmp(bytesOf(input, (reader) => reader.rest()))
    promise(answer?.is !== 'mapped' || answer.leaseS >= 0, 'a lease is negative')
  }
}

const asked: PcpRequest = {
  localAddress: '192.168.1.20',
  nonce: new Uint8Array(PCP_NONCE_BYTES).fill(7),
  port: 4_001,
  publicPort: 4_001,
  leaseS: 3_600
}

/** The answer of an honest router to {@link asked}, with another result. */
function somePcpAnswer(result: number): Uint8Array {
  const answer = encodePcp(asked)
  answer.set([2, 0x81, 0, result], 0)
  answer.set([203, 0, 113, 5], answer.byteLength - 4)
  return answer
}

const pcp: FuzzTarget = {
  name: 'pcp-answers',
  reaches: 'answers of a router over PCP',
  seeds: () => [asIs(somePcpAnswer(0)), asIs(somePcpAnswer(8)), asIs(Uint8Array.of(0, 0x80, 0, 1)), choices(2, 0, 3)],
  run(input) {
    const answer = decodePcp(
      bytesOf(input, (reader) => somePcpAnswer(reader.below(14))),
      asked
    )
    if (answer?.is !== 'mapped') return
    promise(isIPv4(answer.publicAddress), 'a port is mapped at no address')
    promise(answer.leaseS >= 0 && answer.publicPort <= 65_535, 'a mapping is out of range')
  }
}

export const targets: readonly FuzzTarget[] = [descriptions, natPmp, pcp]
