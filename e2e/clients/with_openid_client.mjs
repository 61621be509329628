// A machine client written with openid-client.

import * as client from 'openid-client'
import { CALLS, code, program, refusal, scopes } from './program.mjs'

await program('openid-client', async (input) => {
  const { audience } = input
  const basic = await configuration(input, client.ClientSecretBasic(input.client_secret))
  const post = await configuration(input, client.ClientSecretPost(input.client_secret))

  const wide = await client.clientCredentialsGrant(basic, { audience })
  const posted = await client.clientCredentialsGrant(post, { audience })
  const narrow = await client.clientCredentialsGrant(basic, { audience, scope: 'read:leads' })
  const narrowed = {
    scope: scopes(narrow.scope),
    inside: await call(basic, input, narrow, CALLS.read),
    outside: await call(basic, input, narrow, CALLS.write),
  }
  const introspected = await client.tokenIntrospection(basic, narrow.access_token)
  await client.tokenRevocation(post, narrow.access_token)
  const after = await client.tokenIntrospection(post, narrow.access_token)
  return {
    issuer: basic.serverMetadata().issuer,
    basic: granted(wide),
    post: granted(posted),
    narrowed,
    wide: await call(basic, input, wide, CALLS.write),
    introspected: facts(introspected),
    revoked: { active: after.active, status: await call(basic, input, narrow, CALLS.read) },
    refused: await refusals(basic, input),
  }
})

function configuration({ issuer, client_id }, authentication) {
  // The server under test speaks plain HTTP on loopback.
  const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }
  return client.discovery(new URL(issuer), client_id, undefined, authentication, options)
}

function granted(token) {
  return { scope: scopes(token.scope), expires_in: token.expires_in, type: token.token_type }
}

function facts({ active, client_id, scope, aud }) {
  return { active, client_id, scope: scopes(scope), aud }
}

async function call(configuration, { demo_url }, token, { method, path, body }) {
  const url = new URL(demo_url + path)
  const headers = new Headers(body && { 'content-type': 'application/json' })
  const text = body && JSON.stringify(body)
  try {
    const answer = await client.fetchProtectedResource(
      configuration, token.access_token, url, method, text, headers)
    return answer.status
  } catch (error) {
    if (error.code !== 'OAUTH_WWW_AUTHENTICATE_CHALLENGE') throw error
    return error.status
  }
}

async function refusals(basic, input) {
  const { audience } = input
  const secret = client.ClientSecretPost(`${input.client_secret}x`)
  const wrong = await configuration(input, secret)
  const refused = async (what, how, parameters) => {
    const attempt = () => client.clientCredentialsGrant(how, { audience, ...parameters })
    return code(await refusal(what, attempt))
  }
  return {
    secret: await refused('a wrong secret', wrong, {}),
    scope: await refused('a scope that is not held', basic, { scope: 'read:leads read:people' }),
    target: await refused('an unknown audience', basic, { audience: 'https://nowhere.example' }),
  }
}
