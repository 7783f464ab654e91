import { useEffect, useReducer } from 'preact/hooks'
import { get } from './api'

const most = 128          // names that are asked for at a time, as the API has it
const keep = 10 * 60e3    // ms for which an answer is good: a point is an hour
const patience = 150      // ms of no scrolling before anything is asked for

/** known are the hash rates of the last day by worker, and when they were asked for. */
const known = new Map<string, { at: number; rates: number[] }>()

/** useSparks has the hash rates of some workers asked for, and renders anew when they are there. */
export function useSparks(names: string[]): (name: string) => number[] | undefined {
  const [, again] = useReducer((n: number) => n + 1, 0)
  const wanted = names.filter((n) => !(performance.now() - (known.get(n)?.at ?? -Infinity) < keep)).slice(0, most)
  useEffect(() => {
    if (wanted.length === 0) return
    const gone = new AbortController()
    const timer = setTimeout(async () => {
      try {
        const a = await get<{ rates: number[][] }>('/api/v1/sparks', wanted.map((n): [string, string] => ['name', n]), gone.signal)
        wanted.forEach((n, i) => known.set(n, { at: performance.now(), rates: a.rates[i] }))
        again(undefined)
      } catch { /* there is no history, or it is away: the column stays empty */ }
    }, patience)
    return () => { clearTimeout(timer); gone.abort() }
  }, [wanted.join('\n')])
  return (name) => known.get(name)?.rates
}

const width = 96, height = 22

/** Spark is a small chart of a day, its scale from 0 to its highest rate; a gap is a time of which nothing is known. */
export function Spark({ rates }: { rates?: number[] }) {
  if (!rates) return null
  const top = Math.max(...rates)
  if (top < 0) return null
  let path = '', up = false
  rates.forEach((v, i) => {
    if (v < 0) { up = false; return }
    path += `${up ? 'L' : 'M'}${(i * width / (rates.length - 1)).toFixed(1)} ${(height - 1 - (top > 0 ? v / top : 0) * (height - 2)).toFixed(1)}`
    up = true
  })
  return <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true"><path d={path} /></svg>
}
