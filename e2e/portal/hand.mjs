// Somebody at a page, who uses it in one of three ways: with the mouse, with the keyboard alone, or
// with the mouse in a browser without scripts. What a journey does is written once.

import assert from 'node:assert/strict'

import { openWindow } from './browser.mjs'

export const WAYS = ['mouse', 'keyboard', 'no script']
const TABS_MAX = 150
const WAIT_MILLIS = 15_000

/** A hand at an empty window. */
export async function openHand(browser, way, base) {
  const context = await openWindow(browser, { script: way !== 'no script' })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base })
  return new Hand(await context.newPage(), way, base)
}

export class Hand {
  /** How many links and buttons were pressed since `countClicks`. */
  clicks = 0

  constructor(page, way, base) {
    this.page = page
    this.way = way
    this.base = base
  }

  get hasScript() {
    return this.way !== 'no script'
  }

  /** Opens an address by itself, as a bookmark does. */
  async go(path) {
    return this.page.goto(path.startsWith('http') ? path : this.base + path)
  }

  /** Signs in, on the page that asks for it. */
  async signIn(email, password) {
    await this.fill('Email', email)
    await this.fill('Password', password)
    await this.press('Sign in')
  }

  /** Presses a link or a button that leads to another page. */
  async press(name, { within } = {}) {
    const target = this.named(name, within)
    await target.waitFor()
    const [answer] = await Promise.all([this.page.waitForNavigation(), this.activate(target)])
    return answer
  }

  /** Presses a button that changes the page where it is. */
  async touch(name) {
    await this.activate(this.named(name))
  }

  /** A link or a button by what it is called; what is read out may go on: "Revoke Import". */
  named(name, within = this.page) {
    const whole = { name, exact: true }
    const begins = { name: new RegExp(`^${escaped(name)}(?![\\w-])`) }
    const exact = within.getByRole('link', whole).or(within.getByRole('button', whole))
    const longer = within.getByRole('link', begins).or(within.getByRole('button', begins))
    return exact.or(longer).filter({ visible: true }).first()
  }

  /** Presses what was found in another way. */
  async activate(target) {
    this.clicks += 1
    if (this.way !== 'keyboard') return target.click()
    await this.tabTo(target)
    return this.page.keyboard.press('Enter')
  }

  /** Types into a field. */
  async fill(label, text) {
    const field = this.field(label)
    if (this.way !== 'keyboard') return field.fill(text)
    // What a date takes from the keyboard depends on the language of the browser.
    if (await field.getAttribute('type') === 'date') return field.fill(text)
    await this.tabTo(field)
    await this.page.keyboard.press('Control+A')
    return text ? this.page.keyboard.insertText(text) : this.page.keyboard.press('Delete')
  }

  field(label) {
    return this.page.getByLabel(label, { exact: true })
      .or(this.page.getByLabel(new RegExp(`^${escaped(label)}\\b`))).first()
  }

  /** Chooses one of several, such as "Yes" under "Active". */
  async pick(legend, choice) {
    const group = this.page.getByRole('group', { name: legend }).or(
      this.page.getByRole('radiogroup', { name: legend })).first()
    const radio = group.getByRole('radio', { name: choice, exact: true }).or(
      group.getByRole('radio', { name: new RegExp(`^${escaped(choice)}\\b`) })).first()
    if (this.way !== 'keyboard') return radio.check()
    const all = group.getByRole('radio')
    const checked = group.getByRole('radio', { checked: true })
    await this.tabTo(await checked.count() > 0 ? checked : all.first())
    if (await checked.count() === 0) await this.page.keyboard.press('Space')
    for (let presses = await all.count(); presses > 0; presses -= 1) {
      if (await radio.isChecked()) return null
      await this.page.keyboard.press('ArrowDown')
    }
    throw new Error(`the arrow keys do not choose ${choice} under ${legend}`)
  }

  /** Chooses exactly these of a list of which several can be chosen. */
  async chooseAll(name, values) {
    const list = this.page.locator(`select[name="${name}"]`)
    if (this.way !== 'keyboard') {
      await list.selectOption([])
      // As the documents say: hold the CTRL key and select multiple.
      for (const value of values) {
        await list.locator(`option[value="${value}"]`).click({ modifiers: ['Control'] })
      }
    } else {
      await this.tabTo(list)
      await this.page.keyboard.press('Home')
      const options = await list.locator('option').evaluateAll((all) =>
        all.map((option) => option.value))
      for (const [index, value] of options.entries()) {
        const has = await list.evaluate((select, at) => select.options[at].selected, index)
        if (has !== values.includes(value)) await this.page.keyboard.press('Control+Space')
        await this.page.keyboard.press('Control+ArrowDown')
      }
    }
    const chosen = await list.evaluate((select) =>
      [...select.selectedOptions].map((option) => option.value))
    assert.deepEqual(chosen.toSorted(), values.toSorted(), `${name} by ${this.way}`)
  }

  /** Goes to something by the tab key alone. */
  async tabTo(target) {
    const element = await target.elementHandle()
    for (let presses = 0; presses < TABS_MAX; presses += 1) {
      if (await element.evaluate((node) => node === document.activeElement)) return
      await this.page.keyboard.press('Tab')
    }
    throw new Error(`Tab does not come to ${await element.evaluate((node) => node.outerHTML)}`)
  }

  /** Waits until the page says something. */
  async sees(text) {
    await this.page.getByText(text).filter({ visible: true }).first()
      .waitFor({ timeout: WAIT_MILLIS })
  }

  /** What stands on the page. */
  text() {
    return this.page.locator('body').innerText()
  }

  heading() {
    return this.page.locator('h1').first().innerText()
  }

  /** What lies on the clipboard. */
  clipboard() {
    return this.page.evaluate(() => navigator.clipboard.readText())
  }

  /** Begins to count what is pressed. */
  countClicks() {
    this.clicks = 0
  }

  /** That no more was pressed than a flow may cost. */
  costsAtMost(clicks, flow) {
    assert.ok(this.clicks <= clicks, `${flow} took ${this.clicks} clicks, at most ${clicks}`)
  }

  close() {
    return this.page.context().close()
  }
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
