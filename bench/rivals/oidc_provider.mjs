// node oidc-provider with one machine client, for the benchmark: its own in-memory storage, access
// tokens as ES256 JWTs for the one resource, opaque ones where no resource is named, since it
// introspects no JWT. The first line with a brace is for the benchmark to read.

import { createServer } from 'node:http'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { Provider } from 'oidc-provider'

const RESOURCE = 'https://api.acme.test'
const SCOPE = 'read:leads write:leads'

const server = createServer()
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = `127.0.0.1:${server.address().port}`
const client = {
  client_id: 'rival',
  client_secret: randomBytes(32).toString('base64url'),
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  id_token_signed_response_alg: 'ES256',
  token_endpoint_auth_method: 'client_secret_basic',
}
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const provider = new Provider(`http://${address}`, {
  clients: [client],
  scopes: SCOPE.split(' '),
  ttl: { ClientCredentials: 3600 },
  jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig', kid: 'es256' }] },
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
  },
})
server.on('request', provider.callback())

function resourceServer(_context, resource) {
  if (resource !== RESOURCE) throw new Error(`no such resource: ${resource}`)
  return {
    audience: RESOURCE,
    scope: SCOPE,
    accessTokenFormat: 'jwt',
    accessTokenTTL: 3600,
    jwt: { sign: { alg: 'ES256' } },
  }
}

const { client_id, client_secret } = client
console.log(JSON.stringify({ address, client_id, client_secret }))
// It lives as long as the benchmark holds its standard input.
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
