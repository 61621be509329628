// Chromium as all programs here start it, and windows in it: each with cookies of its own.

import { chromium } from 'playwright-core'

// Generous: what hangs is found all the same, and a busy machine is no finding.
const TIMEOUT_MILLIS = 60_000
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-first-run']

/** Starts the browser. */
export function launch(executablePath) {
  return chromium.launch({ executablePath, args: FLAGS })
}

/** A window that was never anywhere, as somebody has it who wishes it so. */
export async function openWindow(browser, { theme = 'light', width = 1280, script = true } = {}) {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height: 900 },
    javaScriptEnabled: script,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  })
  context.setDefaultTimeout(TIMEOUT_MILLIS)
  return context
}

/** Gives a window the session of somebody who has signed in over REST. */
export function signedIn(context, base, sessionToken) {
  const name = base.startsWith('https:') ? '__Host-claviger_session' : 'claviger_session'
  return context.addCookies([{ name, value: sessionToken, url: base, httpOnly: true }])
}

/** What stands on standard input, which is one JSON object. */
export async function given() {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

/** What a page says, for whoever has to find out why something failed. */
export async function told(page) {
  const text = await page.locator('body').innerText({ timeout: 2_000 }).catch(() => '')
  return `${page.url()}\n${text}`
}
