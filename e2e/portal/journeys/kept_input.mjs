// What was typed is not lost: not by a mistake, not by a session that ended meanwhile, and not by
// a link pressed too early; and nothing is made of what was not sent.

import assert from 'node:assert/strict'

import { ask, signIn } from '../rest.mjs'
import { enter, perform } from './journey.mjs'

const DESCRIPTION = 'Typed with care, & with "quotes" and <angles>'

await perform(async (hand, facts) => {
  await enter(hand, facts, '/keys/new')
  await mistaken(hand)
  await expired(hand, facts)
  if (hand.way === 'mouse') await leaving(hand)
})

/** A form without a name comes back with all else, a summary with the focus, and links. */
async function mistaken(hand) {
  await hand.go('/keys/new')
  await hand.fill('Description', DESCRIPTION)
  await hand.chooseAll('scopes', ['read:leads', 'webhooks'])
  await hand.pick('Active', 'No')
  await letThrough(hand)
  await hand.press('Save Changes')
  await expectFilledIn(hand)
  const focused = () => document.activeElement?.getAttribute('role') ??
    document.activeElement?.className
  assert.match(await hand.page.evaluate(focused), /alert|banner|summary/, 'the summary is focused')
  const summary = hand.page.getByRole('alert').first()
  const sentence = (await summary.getByRole('link').first().innerText()).trim()
  await hand.activate(summary.getByRole('link').first())
  assert.equal(await hand.page.evaluate(() => document.activeElement.name), 'name')
  const described = await hand.field('Name').evaluate((field) =>
    (field.getAttribute('aria-describedby') ?? '').split(/\s+/).map((id) =>
      document.getElementById(id)?.innerText ?? '').join(' '))
  assert.ok(described.includes(sentence), `"${sentence}" is not said at the field: ${described}`)
}

/** A session that ends while somebody types: signing in comes back to what was typed. */
async function expired(hand, facts) {
  const name = `Expired by ${hand.way}`
  await hand.go('/keys/new')
  await hand.fill('Name', name)
  await hand.fill('Description', DESCRIPTION)
  await hand.chooseAll('scopes', ['read:leads', 'webhooks'])
  await hand.pick('Active', 'No')
  const cookies = await hand.page.context().cookies()
  const session = cookies.find((cookie) => cookie.name.endsWith('claviger_session')).value
  await ask(facts.base, session, 'DELETE', '/v1/sessions/current')
  await hand.press('Save Changes')
  await hand.signIn(facts.email, facts.password)
  assert.equal(await hand.field('Name').inputValue(), name)
  await expectFilledIn(hand)
  assert.equal(await count(facts, name), 0, 'a key was made behind an ended session')
  await hand.press('Save Changes')
  assert.equal(await count(facts, name), 1)
}

async function expectFilledIn(hand) {
  assert.equal(await hand.field('Description').inputValue(), DESCRIPTION)
  const chosen = await hand.page.locator('select[name=scopes]').evaluate((select) =>
    [...select.selectedOptions].map((option) => option.value))
  assert.deepEqual(chosen.toSorted(), ['read:leads', 'webhooks'])
  const group = hand.page.getByRole('group', { name: 'Active' })
  assert.ok(await group.getByRole('radio', { name: 'No' }).isChecked(), 'Active is not No')
}

/** The browser asks before it throws away what was typed, and not when it was sent. */
async function leaving(hand) {
  await hand.go('/keys/new')
  await hand.page.locator('[name=name]').pressSequentially('Half typed')
  let asked = 0
  const stay = (dialog) => {
    asked += 1
    return dialog.dismiss()
  }
  hand.page.on('dialog', stay)
  await hand.page.getByRole('link', { name: 'API Keys' }).first().click({ noWaitAfter: true })
  await hand.page.waitForFunction(() => true)
  assert.equal(asked, 1, 'nothing asks before what was typed is lost')
  assert.equal(await hand.field('Name').inputValue(), 'Half typed')
  await hand.chooseAll('scopes', ['read:leads'])
  await hand.press('Save Changes')
  assert.equal(asked, 1, 'it asks although the form was sent')
  hand.page.off('dialog', stay)
}

/** Lets the server say what is missing. */
function letThrough(hand) {
  return hand.page.locator('form').evaluateAll((forms) => forms.forEach((form) => {
    form.noValidate = true
  }))
}

async function count({ base, email, password }, name) {
  const session = await signIn(base, email, password)
  const all = await ask(base, session, 'GET', '/api/keys?status=all&limit=100')
  return all.filter((key) => key.name === name).length
}
