import { get } from './api'
import { Chart } from './chart'
import { ago, count, difficulty, hashrate, percent, unknown } from './format'
import { useAnswer, useLive } from './hooks'
import { live, silent, total, up } from './live'
import { Place } from './place'
import { Time } from './time'
import { ends, reasons } from './words'

interface Detail {
  name: string; user: string; pool: string; algorithm: string; miners: number; address: string; agent: string; difficulty: number; hashrate: number
  accepted: number; rejected: Record<string, number>; work: number; last_share: string | null; reconnects: number; connected_since: string | null; version_mask: string
  last_refused: { time: string; reason: string; difficulty: number }[]; last_closed: { time: string; address: string; reason: string }[]
}

interface Point { time: string; hashrate: number; accepted: number; rejected: number; efficiency: number | null; up: number; seconds: number; work: number }

interface Event { time: string; kind: string; text: string }

export function WorkerView({ name }: { name: string }) {
  useLive()
  const now = [...live.workers.values()].find((w) => w.name === name)
  const minute = Math.floor(live.at / 60e3)
  const detail = useAnswer((signal) => get<Detail>('/api/v1/workers/' + encodeURIComponent(name), {}, signal), [name, Math.floor(live.at / 10e3)])
  const week = useAnswer(async (signal) => (await get<{ points: Point[] }>('/api/v1/history', { kind: 'worker', name, from: '-168h', step: '15m' }, signal)).points, [name, minute])
  const months = useAnswer(async (signal) => (await get<{ points: Point[] }>('/api/v1/history', { kind: 'worker', name, from: '-2160h', step: '24h' }, signal)).points, [name])
  const events = useAnswer(async (signal) => (await get<{ events: Event[] }>('/api/v1/events', { subject: name, from: '-2160h', limit: '100' }, signal)).events, [name, minute])
  const d = detail.value
  return (
    <>
      <p><a href="#/workers">← Workers</a></p>
      <h1 tabIndex={-1}>{name}</h1>
      {!now && <p>No such worker is known.</p>}
      {now && (
        <dl class="figures">
          <div class={now.state === up ? '' : 'bad'}><dt>State</dt><dd>{now.state === up ? '● up' : now.state === silent ? '▲ silent' : '✕ down'}{now.since ? ' for ' + ago(live.at - now.since * 1000) : ', never seen'}</dd></div>
          <div><dt>Hash rate, 5 min</dt><dd>{hashrate(now.rate)}</dd></div>
          <div><dt>Usual</dt><dd>{now.usual > 0 ? `${hashrate(now.usual)}, now ${percent(now.rate / now.usual, 0)}` : 'not known yet'}</dd></div>
          {d && <div><dt>Difficulty</dt><dd>{difficulty(d.difficulty)}</dd></div>}
          {d && <div><dt>Last share</dt><dd>{d.last_share ? ago(live.at - Date.parse(d.last_share)) + ' ago' : 'never'}</dd></div>}
          {d && <div><dt>Reconnects</dt><dd>{count(d.reconnects)}</dd></div>}
          {d && d.miners > 0 && <div><dt>Version rolling</dt><dd>{rolling(d.version_mask)}</dd></div>}
          <div><dt>Pool</dt><dd>{now.pool || unknown}</dd></div>
          <div><dt>Group</dt><dd>{now.group || unknown}</dd></div>
          <div><dt>Address</dt><dd>{now.address || unknown}</dd></div>
          <div><dt>Firmware</dt><dd>{now.agent || unknown}</dd></div>
        </dl>
      )}
      {now && <Place worker={name} />}
      {week.value && week.value.length > 0 && <section><h2>7 days</h2><Chart series={[{ name, points: week.value }]} label={`Hash rate of ${name} over 7 days`} hours={168} /></section>}
      {week.value && <Difficulty name={name} points={week.value} />}
      {d && (
        <section>
          <h2>Shares</h2>
          <p>{count(d.accepted)} accepted, {count(total(d.rejected))} rejected since farmproxy started</p>
          <ul>{Object.entries(d.rejected).map(([reason, n]) => <li key={reason}>{count(n)} {reason}: {reasons[reason] ?? ''}</li>)}</ul>
          {d.last_refused.length > 0 && <h3>The last that were rejected</h3>}
          <ul class="events">{d.last_refused.map((r, i) => <li key={i}><Time ms={Date.parse(r.time)} /> {r.reason}, at difficulty {difficulty(r.difficulty)}: {reasons[r.reason] ?? ''}</li>)}</ul>
        </section>
      )}
      {d && d.last_closed.length > 0 && (
        <section>
          <h2>Connections that ended</h2>
          <ul class="events">{d.last_closed.map((c, i) => <li key={i}><Time ms={Date.parse(c.time)} /> {c.address}: {ends[c.reason] ?? c.reason}</li>)}</ul>
        </section>
      )}
      {months.value && months.value.length > 0 && (
        <section>
          <h2>Days</h2>
          <div class="scroll" tabIndex={0} role="region" aria-label="Days">
            <table>
              <thead><tr><th scope="col">Day (UTC)</th><th scope="col" class="number">Hash rate</th><th scope="col" class="number">Up</th><th scope="col" class="number">Accepted</th><th scope="col" class="number">Rejected</th><th scope="col" class="number">Efficiency</th></tr></thead>
              <tbody>{[...months.value].reverse().map((p) => (
                <tr key={p.time}><th scope="row">{p.time.slice(0, 10)}</th><td class="number">{hashrate(p.hashrate)}</td><td class="number">{percent(p.up)}</td><td class="number">{count(p.accepted)}</td><td class="number">{count(p.rejected)}</td><td class="number">{p.efficiency === null ? unknown : percent(p.efficiency, 2)}</td></tr>
              ))}</tbody>
            </table>
          </div>
        </section>
      )}
      {events.value && events.value.length > 0 && (
        <section><h2>Events</h2><ul class="events">{events.value.map((e) => <li key={e.time + e.kind}><Time ms={Date.parse(e.time)} /> {e.kind.replaceAll('_', ' ')}{e.text && ': ' + e.text}</li>)}</ul></section>
      )}
    </>
  )
}

/** rolling says which version bits a miner may roll. */
function rolling(mask: string): string {
  const bits = [...parseInt(mask, 16).toString(2)].filter((b) => b === '1').length
  return bits > 0 ? `${bits} bits (${mask})` : 'none'
}

/** Difficulty shows the mean difficulty of the worker's accepted shares: it steps where its difficulty was changed. */
function Difficulty({ name, points }: { name: string; points: Point[] }) {
  const steps = points.filter((p) => p.accepted > 0).map((p) => ({ time: p.time, hashrate: p.work / p.accepted }))
  if (steps.length < 2) return null
  return <section><h2>Difficulty, 7 days</h2><Chart series={[{ name, points: steps }]} label={`Difficulty of ${name} over 7 days`} hours={168} show={difficulty} /></section>
}
