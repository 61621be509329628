// Document 004 in its own words: an API key, a test key, and a revocation.

import assert from 'node:assert/strict'

import { expectStatus } from '../gateway.mjs'
import { enter, perform } from './journey.mjs'

const PRODUCTION = 'GET api.example.com/v1/leads'
const SANDBOX = 'GET api.sandbox.example.com/v1/leads'

await perform(async (hand, facts) => {
  await enter(hand, facts)
  const name = `Server by ${hand.way}`
  // "Go to Settings > API Keys. Click Create API Key."
  await toKeys(hand)
  await hand.press('Create API Key')
  // "Enter a name for the key. Select permissions (scopes)."
  await hand.fill('Name', name)
  await hand.chooseAll('scopes', ['read:leads', 'write:leads'])
  await hand.press('Save Changes')
  // "Copy the generated key immediately."
  const key = await shownKey(hand)
  assert.match(key, /^pb_live_/)
  if (hand.hasScript) {
    await hand.touch('Copy key')
    await hand.page.getByRole('button', { name: 'Copied' }).waitFor()
    assert.equal(await hand.clipboard(), key)
  }
  await expectStatus(facts, PRODUCTION, key, 200)

  // "Go to Settings > API Keys. Click Create Test Key. Test keys have pb_test_ prefix. Cannot
  // access production data."
  await toKeys(hand)
  await hand.press('Create Test Key')
  await hand.fill('Name', `Test of ${name}`)
  await hand.chooseAll('scopes', ['read:leads'])
  await hand.press('Save Changes')
  const testKey = await shownKey(hand)
  assert.match(testKey, /^pb_test_/)
  await expectStatus(facts, SANDBOX, testKey, 200)
  await expectStatus(facts, PRODUCTION, testKey, 403)

  // "Go to Settings > API Keys. Find the key to revoke. Click Revoke. Confirm revocation."
  await toKeys(hand)
  await hand.press('Live')
  await hand.press(name)
  await hand.press('Revoke')
  await expectStatus(facts, PRODUCTION, key, 200)
  await confirm(hand)
  await expectStatus(facts, PRODUCTION, key, 401)
  await expectStatus(facts, SANDBOX, testKey, 200)
})

async function toKeys(hand) {
  await hand.press('Settings')
  await hand.press('API Keys', { within: hand.page.locator('main') })
}

async function confirm(hand) {
  const reason = hand.page.locator('form [name=reason]')
  if (await reason.count() > 0) await hand.fill('Reason', 'No longer used')
  await hand.press('Revoke')
}

async function shownKey(hand) {
  return (await hand.page.locator('output').first().innerText()).trim()
}
