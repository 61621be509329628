// Document 000 in its own words: an API Key of the account settings, with its shared secrets, and
// the bearer token that they are exchanged for.

import assert from 'node:assert/strict'

import { expectStatus, statusOf } from '../gateway.mjs'
import { tokenBy } from '../tokens.mjs'
import { enter, perform } from './journey.mjs'

const GET_INVOICES = 'GET api.example.com/billing/v1/invoices'
const GET_TICKETS = 'GET api.example.com/service/v1/tickets'

await perform(async (hand, facts) => {
  const name = `Automation by ${hand.way}`
  await enter(hand, facts)
  // "Navigate to your Account Settings by clicking your name in the portal navigation and
  // selecting 'Account Settings'."
  await openAccountSettings(hand, facts)
  await hand.sees('API Keys')
  // "The API Keys section allows you to create and revoke API Keys."
  await hand.press('Create API Key')
  await hand.fill('Name', name)
  // The document knows no scopes: such a key is for every API of the account.
  await hand.chooseAll('scopes', ['all'])
  await hand.press('Create')
  // "These shared secrets are only visible at the time they are created."
  const secret = await shownSecret(hand)
  const id = await shownId(hand)
  const token = await tokenBy(facts.base, 'form', { client_id: id, client_secret: secret })
  assert.deepEqual(
    [token.status, token.body.expires_in, token.body.token_type, token.body.scope],
    [200, 3600, 'Bearer', ''])
  // "Bearer tokens are used to authenticate any of the Portal APIs."
  await expectStatus(facts, GET_INVOICES, token.body.access_token, 200)
  await expectStatus(facts, GET_TICKETS, token.body.access_token, 200)

  // "This ID can be viewed and copied at any time."
  await openAccountSettings(hand, facts)
  assert.ok(!(await hand.page.content()).includes(secret), 'the secret is on a later page')
  await hand.press(name)
  assert.equal(await shownId(hand), id)
  assert.ok(!(await hand.page.content()).includes(secret), 'the secret is on the page of its key')
  if (hand.hasScript) await copyId(hand, id)

  // "Each shared secret created after the initial default secret may have a description added and
  // a time for its expiration set automatically."
  await hand.press('Create shared secret')
  await hand.fill('Description', 'For the night')
  await hand.fill('Expires', dayFromNow(30))
  await hand.press('Create shared secret')
  const second = await shownSecret(hand)
  assert.notEqual(second, secret)
  assert.equal((await exchange(facts, id, second)).status, 200)

  // "Secrets may also be revoked at any time."
  await openAccountSettings(hand, facts)
  await hand.press(name)
  const row = hand.page.getByRole('row').filter({ hasText: 'For the night' })
  await hand.press('Revoke', { within: row })
  await hand.press('Revoke')
  assert.equal((await exchange(facts, id, second)).status, 401)
  assert.equal((await exchange(facts, id, secret)).status, 200)

  // "Or the entire key may be deleted, revoking its secrets with it."
  await openAccountSettings(hand, facts)
  await hand.press(name)
  await hand.press('Delete')
  await hand.press('Delete')
  assert.equal((await exchange(facts, id, secret)).status, 401)
  assert.equal(await statusOf(facts, GET_INVOICES, token.body.access_token), 401)
})

async function openAccountSettings(hand, { email }) {
  await hand.press(email)
  // Where the name leads to a choice, this is chosen.
  if (await hand.heading() !== 'Account Settings') await hand.press('Account Settings')
}

async function shownSecret(hand) {
  const banner = hand.page.getByRole('status').filter({ has: hand.page.locator('output') })
  return (await banner.locator('output').last().innerText()).trim()
}

async function shownId(hand) {
  const text = await hand.page.locator('main').innerText()
  assert.match(text, /Key ID/)
  return text.match(/\bcli_[0-9a-z]{26}\b/)[0]
}

async function copyId(hand, id) {
  const button = hand.page.getByRole('button', { name: /^Copy\b/ }).first()
  await hand.activate(button)
  await hand.page.getByRole('button', { name: 'Copied' }).first().waitFor()
  assert.equal(await hand.clipboard(), id)
}

function exchange({ base }, id, secret) {
  return tokenBy(base, 'form', { client_id: id, client_secret: secret })
}

function dayFromNow(days) {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
}
