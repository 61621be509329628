// A resource server that verifies access tokens with jose: one API for each algorithm.

import * as jose from 'jose'
import { program, refusal } from './program.mjs'

await program('jose', async (input) => {
  const metadata = await json(`${input.issuer}/.well-known/oauth-authorization-server`)
  const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri))
  const verified = {}
  for (const { audience, algorithm } of input.apis) {
    const token = await obtain(metadata, input, { audience })
    verified[algorithm] = await judge(keys, input, token, audience, algorithm)
  }
  const forAll = await obtain(metadata, input, {})
  const audiences = []
  for (const { audience } of input.apis) {
    const { payload } = await verify(keys, input, forAll, audience, input.algorithm)
    audiences.push(payload.aud.includes(audience))
  }
  return { verified, for_all: { audiences, alg: jose.decodeProtectedHeader(forAll).alg } }
})

async function judge(keys, input, token, audience, algorithm) {
  const { protectedHeader, payload } = await verify(keys, input, token, audience, algorithm)
  const elsewhere = 'https://elsewhere.example'
  const [header, claims, signature] = token.split('.')
  const changed = jose.base64url.encode(JSON.stringify({ ...payload, scope: 'admin' }))
  const wrong = {
    audience: () => verify(keys, input, token, elsewhere, algorithm),
    claims: () => verify(keys, input, `${header}.${changed}.${signature}`, audience, algorithm),
    unsigned: () => verify(keys, input, `${header}.${claims}.`, audience, algorithm),
  }
  const refused = {}
  for (const [what, attempt] of Object.entries(wrong)) {
    refused[what] = (await refusal(`a token with wrong ${what}`, attempt)).code
  }
  const { typ } = protectedHeader
  const { sub, client_id, azp, scope, gty, exp, iat } = payload
  return { typ, sub, client_id, azp, scope, gty, lifetime: exp - iat, refused }
}

function verify(keys, { issuer }, token, audience, algorithm) {
  return jose.jwtVerify(token, keys, {
    issuer,
    audience,
    typ: 'at+jwt',
    algorithms: [algorithm],
    requiredClaims: ['exp', 'iat', 'sub', 'jti', 'client_id'],
  })
}

/** A token by a JSON body, since jose is no client. */
async function obtain({ token_endpoint }, { client_id, client_secret }, parameters) {
  const body = { grant_type: 'client_credentials', client_id, client_secret, ...parameters }
  const headers = { 'content-type': 'application/json' }
  const { access_token } = await json(token_endpoint, {
    method: 'POST', headers, body: JSON.stringify(body),
  })
  return access_token
}

async function json(url, options) {
  const answer = await fetch(url, options)
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return answer.json()
}
