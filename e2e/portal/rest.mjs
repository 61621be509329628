// The REST API, as whoever holds a session uses it.

/** Asks as the holder of a session; the answer's body, which has to be of a success. */
export async function ask(base, session, method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: {
      ...session && { authorization: `Bearer ${session}` },
      ...body && { 'content-type': 'application/json' },
    },
    body: body && JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text ? JSON.parse(text) : null
}

/** Signs somebody in; the session's token. */
export async function signIn(base, email, password) {
  const started = await ask(base, null, 'POST', '/v1/sessions', { email, password })
  return started.session_token
}

/** Does something for each of many, a few at a time. */
export async function forEach(many, act, atOnce = 8) {
  const results = []
  const rest = [...many].entries()
  const worker = async () => {
    for (const [index, one] of rest) results[index] = await act(one, index)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}
