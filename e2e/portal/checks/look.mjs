// What can be seen of a page in one width: nothing is cut off, nothing sticks out, nothing scrolls
// that should not. The function runs in the page.

/** The problems of the page as it stands, as pairs of a check and a sentence. */
export function look() {
  const found = []
  const root = document.documentElement
  const scrollers = 'code, pre, .scroll, textarea, select'
  const told = (element) => {
    const kind = typeof element.className === 'string' ? element.className.trim() : ''
    const name = element.tagName.toLowerCase() + (element.id ? `#${element.id}` : '')
    const text = (element.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 40)
    return `${name}${kind ? `.${kind.replace(/\s+/g, '.')}` : ''} "${text}"`
  }
  const isUnseen = (element) => {
    const { width, height } = element.getBoundingClientRect()
    return width <= 1 || height <= 1 || !element.checkVisibility({ visibilityProperty: true })
  }
  const isInUnseen = (element) => {
    for (let at = element; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at)
      if (style.clipPath !== 'none' || isUnseen(at)) return true
    }
    return false
  }
  const hasOwnText = (element) => [...element.childNodes].some((node) =>
    node.nodeType === Node.TEXT_NODE && node.data.trim() !== '')

  // What is typed into a line moves in it.
  const all = [...document.body.querySelectorAll('*')].filter((element) =>
    element instanceof HTMLElement && !element.matches('input') && !isInUnseen(element))
  if (root.scrollWidth > root.clientWidth) {
    const wide = all.filter((element) => !element.closest('.scroll, pre') &&
      element.getBoundingClientRect().right > root.clientWidth + 0.5)
    const widest = wide.filter((element) => !wide.some((other) =>
      other !== element && element.contains(other)))
    const who = widest.slice(0, 3).map(told).join(', ')
    found.push(['sideways', `${root.scrollWidth} px in ${root.clientWidth}: ${who}`])
  }
  for (const element of all) {
    const style = getComputedStyle(element)
    const isWider = element.scrollWidth > element.clientWidth + 1
    if (/auto|scroll/.test(style.overflowX) && isWider && !element.matches(scrollers)) {
      found.push(['sideways', `${told(element)} scrolls`])
    }
    if (/hidden|clip/.test(style.overflowX) && isWider && element.clientWidth > 1) {
      found.push(['clipped', `${told(element)} is cut off`])
    }
    const isFlat = element.scrollHeight > element.clientHeight + 2
    if (/hidden|clip/.test(style.overflowY) && isFlat && element.clientHeight > 1) {
      found.push(['clipped', `${told(element)} is cut off below`])
    }
    const isBox = style.display !== 'inline' && style.overflowX === 'visible'
    if (isBox && hasOwnText(element) && isWider && !element.closest('.scroll, pre')) {
      found.push(['clipped', `the text of ${told(element)} sticks out of it`])
    }
  }
  return found
}
