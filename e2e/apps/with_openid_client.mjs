// An app written with openid-client: the same flow in every way that the library has.

import * as client from 'openid-client'
import { conversation, granted } from './conversation.mjs'

await conversation('openid-client', async (input, ask) => {
  const app = { input, ask }
  const { client_id, client_secret } = input.app
  const basic = await configuration(input, client_id, client.ClientSecretBasic(client_secret))
  const post = await configuration(input, client_id, client.ClientSecretPost(client_secret))
  const open = await configuration(input, input.public.client_id, client.None())
  return {
    secret: await flow(app, post),
    public: await flow(app, open),
    pushed: await flow(app, basic, { push: true }),
    bound: await flow(app, open, { bind: true }),
    pushed_and_bound: await flow(app, basic, { push: true, bind: true }),
    key: await withKey(app),
    registered: await registered(app),
    device: await device(app),
  }
})

function configuration({ issuer }, client_id, authentication, metadata) {
  // The server under test speaks plain HTTP on loopback.
  const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }
  return client.discovery(new URL(issuer), client_id, metadata, authentication, options)
}

/** From the authorization request to the end of the tokens. */
async function flow({ input, ask }, config, { push = false, bind = false } = {}) {
  const keys = bind && (await client.randomDPoPKeyPair('ES256'))
  const DPoP = keys ? client.getDPoPHandle(config, keys) : undefined
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const parameters = {
    redirect_uri: input.redirect_uri,
    scope: 'read:leads write:leads',
    state,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const url = push
    ? await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
    : client.buildAuthorizationUrl(config, parameters)
  const came_back = new URL(await ask({ open: url.href }))
  const checks = { pkceCodeVerifier: verifier, expectedState: state }
  const first = await client.authorizationCodeGrant(config, came_back, checks, undefined, { DPoP })
  return afterwards(input, config, first, DPoP)
}

/** What an app does with its tokens: call, refresh, call, give back, and be refused. */
async function afterwards(input, config, first, DPoP) {
  const used = await call(input, config, first, DPoP)
  const second = await client.refreshTokenGrant(
    config, first.refresh_token, undefined, { DPoP })
  const used_again = await call(input, config, second, DPoP)
  await client.tokenRevocation(config, second.refresh_token)
  return {
    first: granted(first),
    used,
    second: granted(second),
    used_again,
    after_revocation: await call(input, config, second, DPoP),
  }
}

async function call({ demo_url }, config, { access_token }, DPoP) {
  const url = new URL(`${demo_url}/v1/leads`)
  try {
    const answer = await client.fetchProtectedResource(
      config, access_token, url, 'GET', undefined, undefined, { DPoP })
    return answer.status
  } catch (error) {
    if (error.code !== 'OAUTH_WWW_AUTHENTICATE_CHALLENGE') throw error
    return error.status
  }
}

/** An app that authenticates by a key of its own (RFC 7523). */
async function withKey(app) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const jwk = await crypto.subtle.exportKey('jwk', keys.publicKey)
  const { kty, crv, x, y } = jwk
  const { client_id } = await app.ask({ register: { kty, crv, x, y } })
  const authentication = client.PrivateKeyJwt(keys.privateKey)
  return flow(app, await configuration(app.input, client_id, authentication), { push: true })
}

/** An app that registers itself (RFC 7591). */
async function registered(app) {
  const metadata = {
    redirect_uris: [app.input.redirect_uri],
    client_name: 'An app that came by itself',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_post',
  }
  const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }
  const config = await client.dynamicClientRegistration(
    new URL(app.input.issuer), metadata, undefined, options)
  return flow(app, config)
}

/** An app on a device without a browser (RFC 8628). */
async function device({ input, ask }) {
  const config = await configuration(input, input.device.client_id, client.None())
  const codes = await client.initiateDeviceAuthorization(
    config, { scope: 'read:leads write:leads' })
  await ask({ confirm: codes.verification_uri_complete })
  const first = await client.pollDeviceAuthorizationGrant(config, codes)
  return afterwards(input, config, first)
}
