// Lists of which several can be chosen: a click takes one more or less without Ctrl, and dragging
// does the same to all that it passes.

for (const list of document.querySelectorAll('select[multiple]')) {
  let takes
  const take = (option) => {
    if (!(option instanceof HTMLOptionElement) || option.selected === takes) return
    const top = list.scrollTop
    option.selected = takes
    list.scrollTop = top
    list.dispatchEvent(new Event('input', { bubbles: true }))
    list.dispatchEvent(new Event('change', { bubbles: true }))
  }
  list.addEventListener('mousedown', (event) => {
    const { target } = event
    const is_plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey)
    if (!is_plain || !(target instanceof HTMLOptionElement)) return
    event.preventDefault()
    list.focus()
    takes = !target.selected
    take(target)
  })
  list.addEventListener('mouseover', (event) => {
    if (takes !== undefined && event.buttons === 1) take(event.target)
  })
  addEventListener('mouseup', () => { takes = undefined })
}
