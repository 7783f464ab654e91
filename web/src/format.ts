// Numbers and times as people read them: package plain writes them in the same way in the
// terminal, and plain/testdata/figures.json has cases that the tests of both read.

const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z']

/** unknown stands where a figure is not known. */
export const unknown = '-'

/** hashrate returns a hash rate in three figures. */
export function hashrate(v: number): string {
  if (!(v >= 0.005)) return '0 H/s'
  let i = 0
  while (v >= 999.5 && i < prefixes.length - 1) { v /= 1000; i++ }
  return (v < 9.995 ? v.toFixed(2) : v < 99.95 ? v.toFixed(1) : v.toFixed(0)) + ' ' + prefixes[i] + 'H/s'
}

export const count = (n: number) => n.toLocaleString('en')

/** several returns a number of things: 1 worker, 2,000 workers. */
export const several = (n: number, one: string) => count(n) + ' ' + one + (n === 1 ? '' : 's')

/** difficulty returns a difficulty: a whole number from 1,000 on. Those of test pools, and of some algorithms, are far below 1, and have three figures. */
export const difficulty = (d: number) => !(d > 0) ? unknown : d >= 999.9995 ? count(Math.round(d)) : String(Number(d >= 0.9995 ? d.toFixed(3) : d.toPrecision(3)))

export const percent = (f: number, digits = 1) => (100 * f).toFixed(digits) + ' %'

/** seconds returns how long something takes, in two figures or more. */
export function seconds(s: number): string {
  if (!(s > 0)) return '0 s'
  if (s < 0.0009995) return (s * 1e6).toFixed(0) + ' µs'
  if (s < 0.00995) return (s * 1e3).toFixed(1) + ' ms'
  if (s < 0.9995) return (s * 1e3).toFixed(0) + ' ms'
  return s.toFixed(1) + ' s'
}

/** ago returns a time that has passed, in ms, in two figures. */
export function ago(ms: number): string {
  const s = Math.max(0, ms / 1000)
  if (s < 99.5) return s.toFixed(0) + ' s'
  if (s < 99.5 * 60) return (s / 60).toFixed(0) + ' min'
  if (s < 99.5 * 3600) return (s / 3600).toFixed(0) + ' h'
  return (s / 86400).toFixed(0) + ' d'
}

/** number returns a number as it was written: a weight. */
export const number = (v: number) => String(v)

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
