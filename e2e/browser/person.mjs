// A person with a browser, who does what a test says: JSON lines in, JSON lines out. One browser,
// and so one cookie jar, as long as this program runs.
//
//   {"open": URL, "until": URL}     goes there, signs in where asked, allows what is asked, until
//                                   the browser is sent to an address that begins so
//   {"visit": URL, "press": [name]} goes there and presses these buttons and links, and signs in
//                                   wherever that is asked
//
// Each is answered by {"at": URL, "headings": [the page's at each step], "text": the last page's}.

import { createInterface } from 'node:readline/promises'
import { chromium } from 'playwright-core'

const STEPS_MAX = 8
const TIMEOUT_MILLIS = 30_000
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const person = JSON.parse((await lines.next()).value)
const browser = await chromium.launch({
  executablePath: person.chromium,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--no-first-run'],
})
const context = await browser.newContext({ javaScriptEnabled: person.javascript ?? false })
context.setDefaultTimeout(TIMEOUT_MILLIS)
const page = await context.newPage()

try {
  for await (const line of lines) {
    process.stdout.write(`${JSON.stringify(await act(JSON.parse(line)))}\n`)
  }
} catch (error) {
  const at = page.url()
  const text = await page.locator('body').innerText().catch(() => '')
  process.stderr.write(`the person failed at ${at}: ${error.message}\n${text}\n`)
  process.exitCode = 1
} finally {
  await browser.close()
}

async function act(wish) {
  const headings = []
  if (wish.open) return { at: await allow(wish.open, wish.until, headings), headings }
  await page.goto(wish.visit)
  await signIn(headings)
  for (const name of wish.press) await press(name, headings)
  const text = await page.locator('body').innerText()
  return { at: page.url(), headings: [...headings, await heading()], text }
}

/** Follows an authorization request to where it leads; nobody needs to be there. */
async function allow(url, until, headings) {
  const arrived = page.waitForRequest((request) => request.url().startsWith(until))
  const found = arrived.then((request) => request.url())
  let end
  found.then((at) => { end = at }, () => undefined)
  await page.goto(url).catch(() => undefined)
  for (let step = 0; step < STEPS_MAX && end === undefined; step += 1) {
    if (await signIn(headings)) continue
    const button = page.getByRole('button', { name: 'Allow', exact: true })
    if (end === undefined && (await button.count()) === 1) {
      headings.push(await heading())
      await button.click({ noWaitAfter: true }).catch(() => undefined)
      break
    }
  }
  return found
}

/** Signs in, where that is asked. */
async function signIn(headings) {
  const password = page.getByLabel('Password', { exact: true })
  if ((await password.count()) !== 1) return false
  headings.push(await heading())
  await page.getByLabel('Email', { exact: true }).fill(person.email)
  await password.fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  return true
}

async function press(name, headings) {
  headings.push(await heading())
  const button = page.getByRole('button', { name, exact: true })
  await button.or(page.getByRole('link', { name, exact: true })).first().click()
  await signIn(headings)
}

async function heading() {
  return page.locator('h1').first().innerText()
}
