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

/** clock returns a time in the viewer's zone, with the day unless it is today. */
export function clock(ms: number): string {
  const d = new Date(ms)
  const time = two(d.getHours()) + ':' + two(d.getMinutes())
  return d.toDateString() === new Date().toDateString() ? time : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${time}`
}

/** farmClock returns a time of day in the farm's zone. */
export function farmClock(ms: number, offset: number): string {
  const d = new Date(ms + offset * 1000)
  return two(d.getUTCHours()) + ':' + two(d.getUTCMinutes())
}

/** reasons are why shares are rejected, by the verdicts' names, for people. */
export const reasons: Record<string, string> = {
  unknown_job: 'for a job that this miner was never sent, or that is forgotten',
  stale: 'for a job that was replaced: the miner or its network is too slow',
  link_lost: 'on its way when the link to the pool was lost',
  duplicate: 'submitted before: the firmware repeats itself',
  low_difficulty: 'above the target: the miner ignores its difficulty, or hashes wrongly',
  bad_time: 'with a time that the job does not allow',
  bad_version: 'with version bits that the pool does not allow',
  malformed: 'with a field that is missing or wrong',
  unauthorized: 'before the worker was authorized, or under another name',
  not_subscribed: 'before the miner had subscribed',
  pool_rejected: 'refused by the pool for a reason of its own',
  overloaded: 'not answered by the pool in time',
  too_many_shares: 'more than one miner may have waiting',
}

/** ends are why connections ended, by the reasons' names, for people. */
export const ends: Record<string, string> = {
  miner_left: 'the miner or the network closed it',
  not_stratum: 'it did not speak Stratum',
  line_too_long: 'a line had no end',
  too_deep: 'a message was nested too deep',
  too_many_malformed: 'too many messages could not be understood',
  subscribe_timeout: 'it did not subscribe in time',
  authorize_timeout: 'it did not log in in time',
  too_slow: 'it did not read what was sent',
  full: 'farmproxy had no room',
  no_pool: 'no pool was there for too long',
  account_gone: 'its account was deleted',
  extranonce_too_small: 'the pool leaves too little extranonce for it',
  bad_frame: 'an agent sent a frame that is none',
  extranonce_changed: 'the pool gave another extranonce: an agent has to connect anew',
  shares_refused: 'the pool refused its shares again and again',
  proxy_header: 'the load balancer\'s header was missing or wrong',
  no_share: 'it held a link without a share, and another miner needed the link',
  transport_failed: 'its TLS failed',
  not_tls: 'it spoke no TLS where TLS is expected',
  unexpected_tls: 'it spoke TLS where none is expected',
  handshake_timeout: 'its TLS handshake did not end in time',
  lame_duck: 'farmproxy let it go before it ended',
  denied: 'its address may not connect there',
  banned: 'its address is banned',
  too_many_connections: 'its address had too many connections',
  connect_flood: 'its address opened connections too fast',
  message_flood: 'it sent too many messages',
  share_flood: 'it sent too many shares',
  invalid_flood: 'it sent too many invalid shares',
  too_many_logins: 'too many of its logins were refused',
  not_handed_over: 'an upgrade could not hand it over',
  shutdown: 'farmproxy was stopped',
}
