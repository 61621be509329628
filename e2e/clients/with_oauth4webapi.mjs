// A machine client, and then a protected resource, written with oauth4webapi.

import * as oauth from 'oauth4webapi'
import { CALLS, code, program, refusal, scopes } from './program.mjs'

// The server under test speaks plain HTTP on loopback.
const plain = { [oauth.allowInsecureRequests]: true }

await program('oauth4webapi', async (input) => {
  const issuer = new URL(input.issuer)
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...plain })
  const server = await oauth.processDiscoveryResponse(issuer, found)
  const machine = machineClient(server, input)
  const { basic, post } = machine.authentication

  const wide = await machine.token(basic, { audience: input.audience })
  const posted = await machine.token(post, { audience: input.audience })
  const narrow = await machine.token(basic, { audience: input.audience, scope: 'read:leads' })
  const calls = {
    wide: await call(input, wide, CALLS.write),
    inside: await call(input, narrow, CALLS.read),
    outside: await call(input, narrow, CALLS.write),
  }
  const introspected = await machine.introspect(narrow)
  await machine.revoke(narrow)
  const after = await machine.introspect(narrow)
  return {
    issuer: server.issuer,
    basic: granted(wide),
    post: granted(posted),
    narrowed: { scope: scopes(narrow.scope), inside: calls.inside, outside: calls.outside.status },
    wide: calls.wide,
    introspected: facts(introspected),
    revoked: { active: after.active, status: (await call(input, narrow, CALLS.read)).status },
    refused: await refusals(machine, input),
    more: {
      insufficient: calls.outside.challenge,
      revoked: (await call(input, narrow, CALLS.read)).challenge,
      wrong_secret_in_basic: await basicChallenge(machine, input),
      resource: await protectedResource(server, machine, input),
    },
  }
})

function machineClient(server, input) {
  const client = { client_id: input.client_id }
  const authentication = {
    basic: oauth.ClientSecretBasic(input.client_secret),
    post: oauth.ClientSecretPost(input.client_secret),
    wrongBasic: oauth.ClientSecretBasic(`${input.client_secret}x`),
    wrongPost: oauth.ClientSecretPost(`${input.client_secret}x`),
  }
  const { basic } = authentication
  return {
    authentication,
    async token(how, parameters) {
      const answer = await oauth.clientCredentialsGrantRequest(
        server, client, how, parameters, plain)
      return oauth.processClientCredentialsResponse(server, client, answer)
    },
    async introspect({ access_token: token }) {
      const answer = await oauth.introspectionRequest(server, client, basic, token, plain)
      return oauth.processIntrospectionResponse(server, client, answer)
    },
    async revoke({ access_token: token }) {
      const answer = await oauth.revocationRequest(server, client, basic, token, plain)
      await oauth.processRevocationResponse(answer)
    },
  }
}

function granted(token) {
  return { scope: scopes(token.scope), expires_in: token.expires_in, type: token.token_type }
}

function facts({ active, client_id, scope, aud }) {
  return { active, client_id, scope: scopes(scope), aud }
}

/** The status of a call, or what the library makes of its challenge. */
async function call({ demo_url }, token, { method, path, body }) {
  const url = new URL(demo_url + path)
  const headers = new Headers(body && { 'content-type': 'application/json' })
  const text = body && JSON.stringify(body)
  try {
    const answer = await oauth.protectedResourceRequest(
      token.access_token, method, url, headers, text, plain)
    return answer.status
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
    const [{ scheme, parameters }] = error.cause
    return { status: error.status, challenge: { scheme, error: parameters.error } }
  }
}

async function refusals(machine, { audience }) {
  const { basic, wrongPost } = machine.authentication
  const refused = async (what, how, parameters) => {
    return code(await refusal(what, () => machine.token(how, { audience, ...parameters })))
  }
  return {
    secret: await refused('a wrong secret', wrongPost, {}),
    scope: await refused('a scope that is not held', basic, { scope: 'read:leads read:people' }),
    target: await refused('an unknown audience', basic, { audience: 'https://nowhere.example' }),
  }
}

async function basicChallenge(machine, { audience }) {
  const attempt = () => machine.token(machine.authentication.wrongBasic, { audience })
  const error = await refusal('a wrong secret', attempt)
  return { status: error.status, scheme: error.cause?.[0]?.scheme, error: await code(error) }
}

/** From a refused call to the resource's metadata, its server, and a token that is meant for it. */
async function protectedResource(server, machine, { demo_url, audience }) {
  const identifier = new URL(demo_url)
  const found = await oauth.resourceDiscoveryRequest(identifier, plain)
  const resource = await oauth.processResourceDiscoveryResponse(identifier, found)
  const { basic } = machine.authentication
  const token = await machine.token(basic, { resource: resource.resource, scope: 'read:leads' })
  const headers = { authorization: `Bearer ${token.access_token}` }
  const request = new Request(`${demo_url}/v1/leads`, { headers })
  const claims = await oauth.validateJwtAccessToken(server, request, audience, plain)
  const naked = await fetch(`${demo_url}/v1/leads`)
  const challenge = naked.headers.get('www-authenticate') ?? ''
  return {
    servers: resource.authorization_servers,
    challenge_names_metadata: challenge.includes(`resource_metadata="${found.url}"`),
    subject: claims.sub,
    grant: claims.gty,
  }
}
