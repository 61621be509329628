// That the checks see: a page with everything wrong with it, and what has to be said of it.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'

import { given, launch, openWindow } from '../browser.mjs'
import { accessibility } from './accessibility.mjs'
import { look } from './look.mjs'
import { tabbing } from './tabbing.mjs'
import { listen } from './traffic.mjs'
import { words } from './words.mjs'

const STYLE = `
  .wide { width: 900px } .pale { color: #ccc } .ringless:focus { outline: none }
  .short { width: 40px; overflow: hidden; white-space: nowrap }
  .narrow { width: 40px; white-space: nowrap }
  .scrolls { width: 100px; overflow: auto; white-space: nowrap }`
const PAGE = `<!doctype html><html><head><title>Keys</title><link rel=stylesheet href=/s.css></head>
<body><main><h1>One</h1><h3>Three</h3><h1>Another</h1><p id=a>{{ name }}</p><p id=a>twice</p>
<p class=wide>wide</p><p class=short>a text that is cut off</p>
<p class=narrow>a text that sticks out</p>
<p class=scrolls>a text that scrolls where no text should</p><p class=pale>pale</p>
<input name=q><label>One<input type=radio name=r></label><button onclick="go()">Inline</button>
<button class=ringless>Ringless</button><button tabindex=3>First</button><a href="#no">Astray</a>
<img alt="" src="http://127.0.0.2:9/elsewhere.png"><!-- ${'x'.repeat(60_000)} -->
</main></body></html>`
const EXPECTED = ['axe color-contrast', 'axe heading-order', 'axe html-has-lang', 'axe label',
  'axe tabindex', 'clipped p.short', 'clipped the text of p.narrow', 'csp', 'csp inline: onclick',
  'focus button "Ringless"', 'headings 2 h1', 'headings h3', 'ids "a" twice', 'ids a link to #no',
  'keyboard Tab goes', 'labels a radio button', 'labels no label', 'origin asks http://127.0.0.2',
  'sideways 9', 'sideways p.scrolls', 'title the page has no language', 'title the title is "Keys"',
  'weight', 'words the page says "{{"']

const server = createServer((request, response) => {
  const isStyle = request.url === '/s.css'
  response.setHeader('content-security-policy', "default-src 'none'; style-src 'self'")
  response.setHeader('content-type', isStyle ? 'text/css' : 'text/html')
  response.end(isStyle ? STYLE : PAGE)
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const base = `http://127.0.0.1:${server.address().port}`
const browser = await launch((await given()).chromium)
try {
  const context = await openWindow(browser, { width: 320 })
  const page = await context.newPage()
  const traffic = await listen(page, base)
  await page.goto(base)
  const found = [...(await traffic.problems()).found,
    ...await page.evaluate(words, { title: '^.+ - .+$' }), ...await page.evaluate(look),
    ...await tabbing(page), ...await accessibility(page)]
  const said = found.map(([check, text]) => `${check} ${text}`)
  const unseen = EXPECTED.filter((start) => !said.some((sentence) => sentence.startsWith(start)))
  assert.deepEqual(unseen, [], said.join('\n'))
} finally {
  await browser.close()
  server.close()
}
