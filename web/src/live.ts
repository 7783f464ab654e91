// What the farm does now: GET /api/v1/live sends everything once, and then what differs.

import { ask, Refused } from './api'

export interface Tally { accepted: number; rejected: Record<string, number> }

/** total returns how many shares were rejected for any reason. */
export const total = (rejected: Record<string, number>) => Object.values(rejected).reduce((n, v) => n + v, 0)

export interface Pool {
  name: string; url: string; state: 'enabled' | 'drained' | 'disabled'; up: boolean; active: boolean; trouble: string; miners: number
  hashrate: number; difficulty: number; lag_seconds: number | null; latency_seconds: number | null; shares: Tally
  certificate_ends: string | null
}

export interface Farm {
  version: string; ready: boolean; error: string; uptime_seconds: number; miners: number; miners_max: number
  hashrate: number; shares: Tally; remembers: boolean; pools: Pool[]; wrong: { severe: boolean; text: string }[]; off: { group: string; until: string }[]
  workers_up: number; workers_down: number; workers_never_seen: number
}

export const down = 0, up = 1, silent = 2

/** Worker is a worker, as live/message.go sends it: a row is its fields in this order. */
export interface Worker {
  id: number; name: string; group: string; pool: string; account: string; listener: string; address: string; agent: string
  usual: number; rate: number; state: number; reject: number; since: number
}

type Row = [number, string, string, string, string, string, string, string, number, number, number, number, number]
type Change = [id: number, rate: number] | [id: number, rate: number, state: number, reject: number, since: number]

interface Message {
  seq: number; time: number; zone: string; offset: number; full?: boolean; farm: Farm
  new?: Row[]; change?: Change[]; gone?: number[]
}

/** Live is what the page has now. */
export interface Live {
  farm: Farm | null
  workers: Map<number, Worker>
  at: number      // when it was so, ms since 1970 by the farm's clock; 0: never
  heard: number   // when that came, by performance.now()
  zone: string    // the farm's
  offset: number  // seconds east of UTC
  trouble: string // why nothing comes; '': it does
  denied: boolean // a token is needed, or another one
  tick: number    // grows with each message
}

export const live: Live = {
  farm: null, workers: new Map(), at: 0, heard: 0, zone: '', offset: 0, trouble: '', denied: false, tick: 0,
}

const listeners = new Set<() => void>()

/** watch calls f after each change, until the function that it returns is called. */
export function watch(f: () => void): () => void {
  listeners.add(f)
  return () => { listeners.delete(f) }
}

const tell = () => listeners.forEach((f) => f())

function take(m: Message) {
  if (m.full) live.workers.clear()
  for (const r of m.new ?? []) {
    live.workers.set(r[0], {
      id: r[0], name: r[1], group: r[2], pool: r[3], account: r[4], listener: r[5], address: r[6], agent: r[7],
      usual: r[8], rate: r[9], state: r[10], reject: r[11], since: r[12],
    })
  }
  for (const [id, rate, ...rest] of m.change ?? []) {
    const w = live.workers.get(id)
    if (!w) continue
    w.rate = rate
    if (rest.length > 0) [w.state, w.reject, w.since] = rest as [number, number, number]
  }
  for (const id of m.gone ?? []) live.workers.delete(id)
  live.farm = m.farm
  live.at = m.time
  live.heard = performance.now()
  live.zone = m.zone
  live.offset = m.offset
  live.trouble = ''
  live.denied = false
  live.tick++
  tell()
}

let current: AbortController | null = null

/** connect listens from now on, and again whenever the connection is lost. */
export async function connect() {
  current?.abort()
  const mine = current = new AbortController()
  for (let pause = 1000; !mine.signal.aborted; pause = Math.min(pause * 2, 15000)) {
    try {
      const answer = await ask('/api/v1/live', { signal: mine.signal })
      await read(answer.body as ReadableStream<BufferSource>, () => { pause = 1000 })
      live.trouble = 'the connection was closed'
    } catch (e) {
      if (mine.signal.aborted) return
      live.trouble = e instanceof Error ? e.message : String(e)
      if (e instanceof Refused && (e.status === 401 || e.status === 403)) {
        live.denied = true
        tell()
        return
      }
    }
    tell()
    await new Promise((done) => setTimeout(done, pause))
  }
}

/** read takes the events of a stream until it ends, or nothing has come for long. */
async function read(stream: ReadableStream<BufferSource>, came: () => void) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    let timer = 0
    const late = new Promise<never>((_, no) => { timer = window.setTimeout(() => no(new Error('nothing came for 15 s')), 15000) })
    const { done, value } = await Promise.race([reader.read(), late]).finally(() => clearTimeout(timer))
    if (done) return
    text += value
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end)
      text = text.slice(end + 2)
      if (event.startsWith('data: ')) take(JSON.parse(event.slice(6)))
      came()
    }
  }
}
