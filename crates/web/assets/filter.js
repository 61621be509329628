// Narrows the rows of a table down while one types.

for (const field of document.querySelectorAll('input[data-filter]')) {
  const rows = [...document.getElementById(field.dataset.filter).tBodies[0].rows]
  const told = document.getElementById(`${field.dataset.filter}-told`)
  field.closest('[hidden]')?.removeAttribute('hidden')
  field.addEventListener('input', () => {
    const wanted = field.value.trim().toLowerCase()
    let seen = 0
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted)
      if (!row.hidden) seen += 1
    }
    if (told) told.textContent = wanted ? `${seen} of ${rows.length} on this page` : ''
  })
}
