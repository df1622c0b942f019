/** What the router, or who answers in its place, may say when it is asked for a port. */
import { decodeNatPmp } from '../../../src/port-mapping/nat-pmp-messages.ts'
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

export const targets: readonly FuzzTarget[] = [descriptions, natPmp]
