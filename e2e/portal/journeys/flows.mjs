// What the flows of the portal may cost, in clicks.

import assert from 'node:assert/strict'

import { ask, signIn } from '../rest.mjs'
import { enter, perform } from './journey.mjs'

await perform(async (hand, facts) => {
  const session = await signIn(facts.base, facts.email, facts.password)
  const make = (path, body) => ask(facts.base, session, 'POST', path, body)
  await enter(hand, facts)
  await whoseKey(hand, make)
  await leakedKey(hand, facts, make)
  await whyRefused(hand, facts, make)
  await rotation(hand, facts, make)
  await apps(hand, facts, make)
})

/** Whose key is this? One paste. */
async function whoseKey(hand, make) {
  const key = await newKey(hand, make, 'Whose')
  await hand.go('/')
  hand.countClicks()
  await search(hand, key.key)
  const text = await hand.page.locator('main').innerText()
  assert.ok(text.includes(key.name), `${key.name} is not found`)
  hand.costsAtMost(0, 'finding a key')
  assert.ok(!hand.page.url().includes(key.key), 'the key is in the address')
}

/** A leaked key is revoked by a paste and two clicks, and refused from the next request on. */
async function leakedKey(hand, { base }, make) {
  const key = await newKey(hand, make, 'Leaked')
  const leads = () => fetch(`${base}/demo/v1/leads`, {
    headers: { authorization: `Bearer ${key.key}` },
  })
  assert.equal((await leads()).status, 200)
  await hand.go('/')
  hand.countClicks()
  await search(hand, key.key)
  await hand.press('Revoke')
  await hand.press('Revoke')
  assert.equal((await leads()).status, 401)
  hand.costsAtMost(2, 'revoking a leaked key')
  // The receipt.
  assert.match(await hand.text(), /refused|revoked/i)
}

/** Why 401 or 403? One paste of the request's id. */
async function whyRefused(hand, { base }, make) {
  const key = await newKey(hand, make, 'Refused')
  const answer = await fetch(`${base}/demo/v1/leads`, {
    method: 'POST', headers: { authorization: `Bearer ${key.key}` },
  })
  assert.equal(answer.status, 403)
  const id = answer.headers.get('request-id')
  await hand.go('/')
  hand.countClicks()
  // It is on the page as soon as it is written, which is a matter of a second.
  for (const deadline = Date.now() + 15_000; ;) {
    await search(hand, id)
    if ((await hand.text()).includes('write:leads')) break
    assert.ok(Date.now() < deadline, `the decision ${id} is not found`)
  }
  hand.costsAtMost(0, 'finding why a request was refused')
}

/** Rotation without a refused request: three clicks. */
async function rotation(hand, { base }, make) {
  const client = await make('/v1/clients', {
    name: `Rotated by ${hand.way}`, kind: 'machine', scopes: ['read:leads'],
  })
  await hand.go(`/clients/${client.id}`)
  hand.countClicks()
  await hand.press('Rotate')
  const start = hand.page.locator('main form button:not([type=button])').last()
  await Promise.all([hand.page.waitForNavigation(), hand.activate(start)])
  const secret = (await hand.page.locator('output').last().innerText()).trim()
  hand.costsAtMost(3, 'rotating')
  for (const each of [client.client_secret, secret]) {
    const answer = await fetch(`${base}/connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials', client_id: client.id, client_secret: each,
      }),
    })
    assert.equal(answer.status, 200, await answer.text())
  }
}

/** An app is connected by one click after signing in, and disconnected by two. */
async function apps(hand, facts, make) {
  const app = await make('/v1/clients', {
    name: `App by ${hand.way}`, kind: 'app', scopes: ['read:leads'],
    redirect_uris: [`${facts.base}/healthz`],
  })
  const asked = new URLSearchParams({
    client_id: app.id, redirect_uri: app.redirect_uris[0], response_type: 'code',
    scope: 'read:leads', state: 'x', code_challenge_method: 'S256',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  })
  await hand.go(`/oauth/authorize?${asked}`)
  hand.countClicks()
  // The browser has to be there, or going on elsewhere interrupts it.
  const back = hand.page.waitForURL(/\/healthz\?/)
  await hand.activate(hand.named('Allow'))
  await back
  assert.match(hand.page.url(), /[?&]code=/)
  hand.costsAtMost(1, 'connecting an app')
  await hand.go('/connected-apps')
  hand.countClicks()
  const card = hand.page.locator('.connected').filter({ hasText: app.name })
  await hand.press('Disconnect', { within: card })
  await hand.press('Disconnect')
  hand.costsAtMost(2, 'disconnecting an app')
  await hand.go('/connected-apps')
  assert.ok(!(await hand.text()).includes(app.name), 'the app is still connected')
}

function newKey(hand, make, name) {
  const body = { name: `${name} by ${hand.way}`, scopes: ['read:leads'] }
  return make('/api/keys', body)
}

/** Pastes into the search box and presses Enter. */
async function search(hand, text) {
  const box = hand.page.locator('input[name=q]').first()
  if (hand.way === 'keyboard') await hand.tabTo(box)
  await box.fill(text)
  await Promise.all([hand.page.waitForNavigation(), box.press('Enter')])
}
