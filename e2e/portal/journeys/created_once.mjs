// However one goes on from a form that creates a key, it creates one and shows it once: after a
// reload, the way back, a double click, the same form sent again.

import assert from 'node:assert/strict'

import { ask } from '../rest.mjs'
import { enter, perform } from './journey.mjs'

await perform(async (hand, facts) => {
  await enter(hand, facts, '/keys/new')
  await reloaded(hand, facts)
  await wentBack(hand, facts)
  if (hand.way === 'mouse') await pressedTwice(hand, facts)
})

async function reloaded(hand, facts) {
  const name = `Reloaded by ${hand.way}`
  const key = await create(hand, name)
  // The browser sends the form again, as somebody would who says yes to its question.
  await hand.page.reload()
  await expectGone(hand, key)
  await hand.page.reload()
  await expectGone(hand, key)
  await expectOne(facts, name)
}

async function wentBack(hand, facts) {
  const name = `Back by ${hand.way}`
  const key = await create(hand, name)
  await hand.go('/keys')
  await expectGone(hand, key)
  // Back to the answer of the form, which may be shown to nobody again: without scripts the
  // browser shows a page of its own, that asks whether to send the form once more.
  if (await hand.page.goBack().catch(() => null)) await expectGone(hand, key)
  else await hand.page.waitForURL(/^chrome-error:/)
  await hand.go('/keys/new')
  await create(hand, `${name} again`)
  await hand.page.goBack()
  // Where the browser kept the form as it was, it makes nothing when it is sent once more.
  const field = hand.field('Name')
  if (await field.isVisible() && await field.inputValue()) await hand.press('Save Changes')
  await expectOne(facts, name)
  await expectOne(facts, `${name} again`)
}

async function pressedTwice(hand, facts) {
  const name = 'Pressed twice'
  await hand.go('/keys/new')
  await fillIn(hand, name)
  const button = hand.named('Save Changes')
  await Promise.all([hand.page.waitForURL(/./), button.dblclick({ noWaitAfter: true })])
  await hand.page.locator('output').first().waitFor()
  await expectOne(facts, name)
}

async function fillIn(hand, name) {
  await hand.fill('Name', name)
  await hand.chooseAll('scopes', ['read:leads'])
}

async function create(hand, name) {
  await hand.go('/keys/new')
  await fillIn(hand, name)
  await hand.press('Save Changes')
  return (await hand.page.locator('output').first().innerText()).trim()
}

async function expectGone(hand, key) {
  // Unlike the page's content this waits until a page is there that stays.
  await hand.page.waitForLoadState()
  const html = await hand.page.locator('body').innerHTML()
  assert.ok(!html.includes(key), `the key is still at ${hand.page.url()}`)
}

async function expectOne({ base, session }, name) {
  const all = await ask(base, session, 'GET', '/api/keys?status=all&limit=100')
  const found = all.filter((key) => key.name === name)
  assert.equal(found.length, 1, `${found.length} keys are called ${name}`)
}
