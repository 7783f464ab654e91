// Numbers and times as people read them. Units are those of the API and the docs.

const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z']

/** scaled returns a number with three digits that count, and a prefix. */
export function scaled(v: number): string {
  if (!isFinite(v) || v <= 0) return '0 '
  let i = 0
  while (v >= 999.5 && i < prefixes.length - 1) { v /= 1000; i++ }
  return (v < 9.995 ? v.toFixed(2) : v < 99.95 ? v.toFixed(1) : v.toFixed(0)) + ' ' + prefixes[i]
}

export const hashrate = (v: number) => scaled(v) + 'H/s'
export const count = (n: number) => n.toLocaleString('en')

/** several returns a number of things: 1 worker, 2,000 workers. */
export const several = (n: number, one: string) => count(n) + ' ' + one + (n === 1 ? '' : 's')

/** difficulty returns a pool's or a worker's difficulty; those of test pools are far below 1. */
export const difficulty = (d: number) => d <= 0 ? '–' : d >= 1 ? count(d) : d.toExponential(1)
export const percent = (f: number, digits = 1) => (100 * f).toFixed(digits) + ' %'

export function seconds(s: number): string {
  if (s === 0) return '–'
  if (s < 0.001) return (s * 1e6).toFixed(0) + ' µs'
  if (s < 1) return (s * 1000).toFixed(s < 0.01 ? 1 : 0) + ' ms'
  return s.toFixed(1) + ' s'
}

/** ago returns how long ago a time was, in its largest unit. */
export function ago(ms: number): string {
  const s = Math.max(0, ms / 1000)
  if (s < 90) return Math.round(s) + ' s'
  if (s < 90 * 60) return Math.round(s / 60) + ' min'
  if (s < 36 * 3600) return Math.round(s / 3600) + ' h'
  return Math.round(s / 86400) + ' d'
}

const two = (n: number) => String(n).padStart(2, '0')

/** clock returns a time, in ms or as the API has it, in the viewer's zone, with the day unless it is today. */
export function clock(at: number | string): string {
  const d = new Date(at)
  const time = two(d.getHours()) + ':' + two(d.getMinutes())
  return d.toDateString() === new Date().toDateString() ? time : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`
}

/** farmClock returns a time of day in the farm's zone. */
export function farmClock(ms: number, offset: number): string {
  const d = new Date(ms + offset * 1000)
  return two(d.getUTCHours()) + ':' + two(d.getUTCMinutes())
}
