// Requests to farmproxy's API. The token lives as long as the tab: no cookie is ever set,
// so no other site's page can use it.

const key = 'farmproxy-token'

/** token returns the token of this tab; '': none. */
export const token = () => sessionStorage.getItem(key) ?? ''

/** setToken keeps a token for this tab; '' forgets it. */
export function setToken(t: string) {
  if (t) sessionStorage.setItem(key, t)
  else sessionStorage.removeItem(key)
}

/** Refused is an answer that is not 2xx; body is its JSON, if it has any. */
export class Refused extends Error {
  constructor(public readonly status: number, text: string, public readonly body: unknown) { super(text) }
}

/** ask sends a request; the answer may be a stream. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  if (token()) headers.set('Authorization', 'Bearer ' + token())
  const answer = await fetch(path, { ...init, headers, credentials: 'omit', cache: 'no-store' })
  if (answer.ok) return answer
  const text = await answer.text()
  let error = text, body: unknown = null
  try { body = JSON.parse(text); error = (body as { error?: string }).error ?? text } catch { /* not JSON: as it is */ }
  throw new Refused(answer.status, error || answer.statusText, body)
}

/** get returns an answer's JSON. */
export async function get<T>(path: string, query: Record<string, string> | [string, string][] = {}, signal?: AbortSignal): Promise<T> {
  const q = new URLSearchParams(query).toString()
  return (await ask(path + (q && '?' + q), { signal })).json()
}

/** send sends JSON with a method, and returns the answer's text. */
export async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<string> {
  const init: RequestInit = { method, headers }
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers = { ...headers, 'Content-Type': 'application/json' }
  }
  return (await ask(path, init)).text()
}

/** download saves an answer as a file. */
export async function download(path: string, query: Record<string, string>, name: string) {
  const answer = await ask(path + '?' + new URLSearchParams({ ...query, format: 'csv' }))
  const url = URL.createObjectURL(await answer.blob())
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  URL.revokeObjectURL(url)
}
