// An app written with oauth4webapi: the same flow in every way that the library has.

import * as oauth from 'oauth4webapi'
import { conversation, granted } from './conversation.mjs'

// The server under test speaks plain HTTP on loopback.
const plain = { [oauth.allowInsecureRequests]: true }

await conversation('oauth4webapi', async (input, ask) => {
  const issuer = new URL(input.issuer)
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...plain })
  const server = await oauth.processDiscoveryResponse(issuer, found)
  const app = { server, input, ask }
  const basic = oauth.ClientSecretBasic(input.app.client_secret)
  return {
    secret: await flow(app, { client_id: input.app.client_id }, basic),
    public: await flow(app, { client_id: input.public.client_id }, oauth.None()),
    pushed: await flow(app, { client_id: input.app.client_id }, basic, { push: true }),
    bound: await flow(app, { client_id: input.public.client_id }, oauth.None(), { bind: true }),
    pushed_and_bound: await flow(
      app, { client_id: input.app.client_id }, basic, { push: true, bind: true }),
    key: await withKey(app),
    registered: await registered(app),
    device: await device(app),
  }
})

/** From the authorization request to the end of the tokens. */
async function flow(app, client, authentication, { push = false, bind = false } = {}) {
  const { server, input, ask } = app
  const keys = bind && (await oauth.generateKeyPair('ES256'))
  const DPoP = keys ? oauth.DPoP(client, keys) : undefined
  const how = { ...plain, DPoP }

  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const parameters = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: input.redirect_uri,
    response_type: 'code',
    scope: 'read:leads write:leads',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const url = new URL(server.authorization_endpoint)
  url.search = push ? await pushed(app, client, authentication, parameters, how) : parameters
  const came_back = new URL(await ask({ open: url.href }))

  const answer = oauth.validateAuthResponse(server, client, came_back, state)
  const exchange = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, answer, input.redirect_uri, verifier, how)
  const first = await oauth.processAuthorizationCodeResponse(server, client, exchange)
  return afterwards(app, client, authentication, first, how)
}

async function pushed({ server }, client, authentication, parameters, how) {
  const answer = await oauth.pushedAuthorizationRequest(
    server, client, authentication, parameters, how)
  const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, answer)
  return new URLSearchParams({ client_id: client.client_id, request_uri })
}

/** What an app does with its tokens: call, refresh, call, give back, and be refused. */
async function afterwards({ server, input }, client, authentication, first, how) {
  const used = await call(input, first, how)
  const refresh = await oauth.refreshTokenGrantRequest(
    server, client, authentication, first.refresh_token, how)
  const second = await oauth.processRefreshTokenResponse(server, client, refresh)
  const used_again = await call(input, second, how)
  const given_back = await oauth.revocationRequest(
    server, client, authentication, second.refresh_token, plain)
  await oauth.processRevocationResponse(given_back)
  return {
    first: granted(first),
    used,
    second: granted(second),
    used_again,
    after_revocation: await call(input, second, how),
  }
}

async function call({ demo_url }, { access_token }, how) {
  const url = new URL(`${demo_url}/v1/leads`)
  try {
    const answer = await oauth.protectedResourceRequest(
      access_token, 'GET', url, undefined, undefined, how)
    return answer.status
  } catch (error) {
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
    return error.status
  }
}

/** An app that authenticates by a key of its own (RFC 7523). */
async function withKey(app) {
  const keys = await oauth.generateKeyPair('ES256', { extractable: true })
  const jwk = await crypto.subtle.exportKey('jwk', keys.publicKey)
  const { kty, crv, x, y } = jwk
  const { client_id } = await app.ask({ register: { kty, crv, x, y } })
  const authentication = oauth.PrivateKeyJwt(keys.privateKey)
  return flow(app, { client_id }, authentication, { push: true })
}

/** An app that registers itself (RFC 7591). */
async function registered(app) {
  const metadata = {
    client_name: 'An app that came by itself',
    redirect_uris: [app.input.redirect_uri],
    grant_types: ['authorization_code', 'refresh_token'],
  }
  const asked = await oauth.dynamicClientRegistrationRequest(app.server, metadata, plain)
  const client = await oauth.processDynamicClientRegistrationResponse(asked)
  return flow(app, client, oauth.ClientSecretBasic(client.client_secret))
}

/** An app on a device without a browser (RFC 8628). */
async function device(app) {
  const { server, input, ask } = app
  const client = { client_id: input.device.client_id }
  const asked = await oauth.deviceAuthorizationRequest(
    server, client, oauth.None(), new URLSearchParams({ scope: 'read:leads write:leads' }), plain)
  const codes = await oauth.processDeviceAuthorizationResponse(server, client, asked)
  await ask({ confirm: codes.verification_uri_complete })
  const answer = await oauth.deviceCodeGrantRequest(
    server, client, oauth.None(), codes.device_code, plain)
  const first = await oauth.processDeviceCodeResponse(server, client, answer)
  return afterwards(app, client, oauth.None(), first, plain)
}
