// The token endpoints, as the documents call them.

/** Exchanges credentials as a form at /connect/token or as JSON at /oauth/token. */
export async function tokenBy(base, shape, members) {
  const asked = { grant_type: 'client_credentials', ...members }
  const answer = shape === 'form'
    ? await fetch(`${base}/connect/token`, { method: 'POST', body: new URLSearchParams(asked) })
    : await fetch(`${base}/oauth/token`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(asked),
    })
  return { status: answer.status, body: await answer.json() }
}
