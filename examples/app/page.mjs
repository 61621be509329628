// What the app's pages look like.

/** A page with this title and this content, which is HTML. */
export function page(title, content) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 34rem; padding: 0 1rem }
button { font: inherit; padding: 0.4rem 1rem }
form { display: inline-block; margin-right: 0.5rem }
</style>
</head>
<body><main><h1>${escape(title)}</h1>${content}</main></body>
</html>
`
}

/** Text as HTML shows it. */
export function escape(text) {
  const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return String(text).replace(/[&<>"']/g, (character) => names[character])
}
