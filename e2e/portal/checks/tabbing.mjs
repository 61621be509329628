// The page by the tab key: it comes to everything that can be used, in the order of the page, and
// one sees where it is.

const MORE_PRESSES = 60

/** The problems of going through the page by the tab key, as pairs of a check and a sentence. */
export async function tabbing(page) {
  const expected = await page.evaluate(watchFocus)
  let seen = []
  // Some controls have more than one stop inside, such as a date.
  for (let presses = 0; presses < 3 * expected.length + MORE_PRESSES; presses += 1) {
    await page.keyboard.press('Tab')
    if (presses % 8 !== 7) continue
    seen = await page.evaluate(() => window.tabbing.seen)
    if (isRound(seen, expected.length)) break
  }
  seen = await page.evaluate(() => window.tabbing.end())
  return [...orderProblems(seen, expected), ...ringProblems(seen)]
}

function isRound(seen, count) {
  const order = [...new Set(seen.map(({ index }) => index))]
  return order.length >= count && seen.length > count
}

function orderProblems(seen, expected) {
  const found = []
  const order = [...new Set(seen.map(({ index }) => index))]
  const missed = expected.filter((_, index) => !order.includes(index))
  for (const name of missed) found.push(['keyboard', `Tab does not come to ${name}`])
  // Where the browser begins is its own matter; from there it goes round once.
  const first = order.indexOf(0)
  const round = [...order.slice(first), ...order.slice(0, first)]
  const astray = round.findIndex((index, at) => at > 0 && index < round[at - 1])
  if (missed.length === 0 && astray > 0) {
    const [before, after] = [round[astray - 1], round[astray]].map((index) => expected[index])
    found.push(['keyboard', `Tab goes from ${before} back to ${after}`])
  }
  return found
}

function ringProblems(seen) {
  const found = new Map()
  for (const { name, problem } of seen) {
    if (problem) found.set(name, ['focus', `${name}: ${problem}`])
  }
  return [...found.values()]
}

/** Runs in the page: notes what takes the focus; the names of what has to. */
function watchFocus() {
  const told = (element) => {
    const text = (element.labels?.[0]?.innerText ?? element.innerText ?? '').trim()
    const short = text.replace(/\s+/g, ' ').slice(0, 40)
    return `${element.tagName.toLowerCase()} "${short || element.name || element.id}"`
  }
  const isUsable = (element) => !element.disabled && element.tabIndex >= 0 &&
    element.checkVisibility({ visibilityProperty: true })
  const isFirstOfGroup = (element) => {
    if (element.type !== 'radio') return true
    const all = [...document.getElementsByName(element.name)].filter((other) =>
      other.form === element.form)
    return (all.find((other) => other.checked) ?? all[0]) === element
  }
  const selector = 'a[href], button, input:not([type=hidden]), select, textarea, summary, ' +
    '[tabindex]'
  const elements = [...document.querySelectorAll(selector)].filter((element) =>
    isUsable(element) && isFirstOfGroup(element))
  const ringOf = (element) => {
    const style = getComputedStyle(element)
    return `${style.outlineStyle} ${style.outlineWidth} ${style.boxShadow} ${style.outlineColor}`
  }
  document.activeElement?.blur()
  const plain = new Map(elements.map((element) => [element, ringOf(element)]))
  const seen = []
  const problemOf = (element) => {
    const box = element.getBoundingClientRect()
    const style = getComputedStyle(element)
    const root = document.documentElement
    if (box.width < 1 || box.height < 1) return 'takes the focus and has no size'
    if (box.right > root.clientWidth + 1 || box.left < -1) return 'is focused outside the window'
    if (Number(style.opacity) < 0.1) return 'takes the focus and cannot be seen'
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1
    const shadowed = style.boxShadow !== 'none'
    if (!outlined && !shadowed) return 'shows no focus'
    return ringOf(element) === plain.get(element) ? 'looks the same with the focus' : null
  }
  const note = (event) => {
    const index = elements.indexOf(event.target)
    // What scrolls on purpose takes the focus so that the arrow keys can move it.
    if (index < 0) return
    seen.push({ index, name: told(event.target), problem: problemOf(event.target) })
  }
  document.addEventListener('focusin', note)
  window.tabbing = {
    seen,
    end() {
      document.removeEventListener('focusin', note)
      document.activeElement?.blur()
      window.scrollTo(0, 0)
      return seen
    },
  }
  return elements.map(told)
}
