// Why a WebSocket was not opened, in words: what the web server there answered, or what is
// wrong with its certificate. It knows errors of HTTP and TLS, not those of TCP.
import { errorCode } from '../../lib/index.ts'
import { ProxyError, WebSocketRefusedError } from '../../transport/index.ts'

/** @param place the URL */
export function webSocketFailure(error: unknown, place: string): string | undefined {
  if (error instanceof ProxyError) return proxyText(error, place)
  if (error instanceof WebSocketRefusedError) return refusalText(error, place)
  const code = errorCode(error)
  if (code === undefined) return undefined
  const text = certificateTexts[code]
  if (text !== undefined) return `the certificate at ${place} ${text}`
  // What answers there does not speak TLS, or only an obsolete version.
  return code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
    ? `what answers at ${place} does not speak TLS as it should: check the host and port`
    : undefined
}

const untrusted =
  'is not of an authority that this machine trusts: if it is your own, name it in NODE_EXTRA_CA_CERTS; ' +
  'if you expect another, someone may be intercepting the connection'

/** By the codes of OpenSSL and Node. */
const certificateTexts: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired: its operator has to renew it, unless the clock of this machine is wrong',
  CERT_NOT_YET_VALID: 'is not valid yet: check the clock of this machine',
  CERT_REVOKED: 'was revoked: ask its operator',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is for another name: check the host, or ask its operator',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted
}

function proxyText({ status, proxy, message }: ProxyError, place: string): string {
  switch (status) {
    case undefined:
      return `${message}: check --proxy and HTTPS_PROXY, or go without it by --proxy none`
    case 407:
      return `the proxy ${proxy} answered 407: it wants a name and password; give them as http://NAME:PASSWORD@${proxy} in PARLEY_PROXY`
    case 403:
      return `the proxy ${proxy} answered 403: it lets nobody connect to ${place}; ask who runs it, or use a directory on port 443`
    default:
      return `the proxy ${proxy} answered ${status}: it does not reach ${place}; check the host and port`
  }
}

function refusalText({ status, message }: WebSocketRefusedError, place: string): string {
  switch (status) {
    case undefined:
      return `what answers at ${place} is not a WebSocket (${message}): check the host and port`
    case 403:
      return `${place} answered 403: its web server refuses connections from here; ask its operator`
    case 404:
      return `${place} answered 404: this is a web server without a directory of Parley there; check the host and path`
    case 429:
    case 503:
      return `${place} answered ${status}: its web server has too much to do; try again later`
    case 502:
    case 504:
      return `${place} answered ${status}: its web server does not reach the directory behind it; ask its operator`
    default:
      return `${place} answered ${status} instead of opening a WebSocket: this is a web server without a directory of Parley there; check the host and path`
  }
}
