// What a page asks the network for, and what the browser refuses it.

const BYTES_MAX = 60_000

/** Listens to a page from before it is opened. */
export async function listen(page, base) {
  const traffic = new Traffic(page, new URL(base).origin)
  await page.addInitScript(() => {
    window.refusals = []
    document.addEventListener('securitypolicyviolation', (event) => {
      window.refusals.push(`${event.effectiveDirective} refuses ${event.blockedURI}`)
    })
  })
  return traffic
}

class Traffic {
  #page
  #origin
  #requests = []
  #problems = []

  constructor(page, origin) {
    this.#page = page
    this.#origin = origin
    page.on('request', (request) => this.#asked(request))
    page.on('console', (message) => this.#printed(message))
    page.on('pageerror', (error) => this.#problems.push(['script', error.message]))
  }

  /** Forgets what was before the page that is checked. */
  begin() {
    this.#requests = []
    this.#problems = []
  }

  #asked(request) {
    // Each page that is opened begins a new count.
    if (request.isNavigationRequest() && !request.redirectedFrom()) this.#requests = []
    this.#requests.push(request)
    if (new URL(request.url()).origin !== this.#origin) {
      this.#problems.push(['origin', `asks ${request.url()}`])
    }
  }

  #printed(message) {
    if (!['error', 'warning'].includes(message.type())) return
    // The browser says so of each answer that is no 200; whether it may be is known elsewhere.
    const isStatus = /^Failed to load resource: the server responded/.test(message.text())
    if (isStatus && message.location().url === this.#page.url()) return
    const check = /Content.Security.Policy/i.test(message.text()) ? 'csp' : 'script'
    this.#problems.push([check, message.text()])
  }

  /** The problems so far, as pairs of a check and a sentence, and the bytes of the page. */
  async problems() {
    const refusals = await this.#page.evaluate(() => window.refusals ?? []).catch(() => [])
    const found = [...this.#problems, ...refusals.map((refusal) => ['csp', refusal])]
    const bytes = await this.#bytes()
    if (bytes >= BYTES_MAX) found.push(['weight', `${bytes} bytes`])
    return { found, bytes }
  }

  async #bytes() {
    const sizes = this.#requests.map(async (request) => {
      const response = await request.response()
      if (!response || response.status() >= 300 && response.status() < 400) return 0
      return (await response.body().catch(() => Buffer.alloc(0))).length
    })
    // Browsers without a screen do not ask for the icon.
    const icon = await this.#page.locator('link[rel=icon]').getAttribute('href', { timeout: 500 })
      .catch(() => null)
    if (icon && !this.#requests.some((request) => request.url().endsWith(icon))) {
      const url = new URL(icon, this.#page.url()).href
      sizes.push(this.#page.request.get(url).then((got) => got.body()).then((body) => body.length))
    }
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  }
}
