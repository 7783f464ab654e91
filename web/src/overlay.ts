// Pools and routes, as PUT /api/v1/config/overlay takes them: with the keys of the file.

import { get, Refused, send } from './api'

export interface PoolKeys {
  name: string; url: string; user: string; password: string; algorithm: string; unchecked: boolean; mode: string; workers: string; links: number
  suggest_difficulty: number; fixed_worker: string; user_agent: string; tls_insecure: boolean; tls_fingerprint: string
}

/** Period is a goal's weight at times; a weight that somebody is writing is a text, and null if it is missing. */
export interface Period { days: string; from: string; to: string; zone: string; weight: number | string | null }

export interface Goal { name: string; weight: number; pools: string[]; schedule?: Period[] }

export interface Route { name: string; goal: Goal[] }

export interface Lists { pool: Partial<PoolKeys>[]; route: Route[] }

export interface Overlay extends Lists {
  overlay: { by: string; since: string; file: string } | null
  fingerprint: string
  pool: PoolKeys[]
}

export interface Problem { key: string; text: string }

/** Change is what a change does, or would do. */
export interface Change { changes: string[]; effects: string[]; offers: string[]; warnings: string[]; problems: Problem[]; error: string }

const path = '/api/v1/config/overlay'

/** read returns the pools and routes in use. */
export const read = (signal: AbortSignal) => get<Overlay>(path, {}, signal)

/** change sets lists, or with null those of the file again; dry, it only says what that would do. */
export async function change(now: Overlay, lists: Lists | null, dry: boolean): Promise<Change> {
  const query = !dry ? '' : lists ? '?dry_run=true&connect=true' : '?dry_run=true'
  try {
    return JSON.parse(await send(lists ? 'PUT' : 'DELETE', path + query, lists ?? undefined, { 'If-Match': `"${now.fingerprint}"` }))
  } catch (e) {
    if (e instanceof Refused && e.status === 422) return e.body as Change
    throw e
  }
}

/** period says when a period is, in farmproxy's words, and what the goal weighs then. */
export const period = ({ days, from, to, zone, weight }: Period) => `${days || 'daily'} ${from}-${to}${zone && ' ' + zone}: weight ${weight}`

/** moved returns a list with an element in another place. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  const without = list.filter((_, i) => i !== from)
  return [...without.slice(0, to), list[from], ...without.slice(to)]
}
