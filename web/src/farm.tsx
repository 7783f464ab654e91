import { useState } from 'preact/hooks'
import { get } from './api'
import { Chart, type Series } from './chart'
import { clock, count, difficulty, hashrate, number, percent, seconds, unknown } from './format'
import { Heatmap } from './heatmap'
import { useAnswer, useLive } from './hooks'
import { live, total, up, type Pool } from './live'
import { useRoutes } from './routes'
import { reasons } from './words'

interface Points { points: { time: string; hashrate: number; work: number; accepted: number; rejected: number; seconds: number; up: number }[] }

/** spans are what the chart can show: the name, hours, and the length of a step. */
const spans: [string, number, string][] = [['1 h', 1, '1m'], ['24 h', 24, '10m'], ['7 d', 168, '1h'], ['30 d', 720, '3h']]

export function FarmView() {
  useLive()
  const farm = live.farm!
  const rejected = Object.entries(farm.shares.rejected).sort((a, b) => b[1] - a[1])
  const bad = total(farm.shares.rejected), all = farm.shares.accepted + bad
  return (
    <>
      <h1 tabIndex={-1}>Farm</h1>
      <section aria-label="Wrong now">
        {farm.wrong.length === 0 ? <p class="good">✓ Nothing is wrong.</p>
          : <ul class="wrong">{farm.wrong.map((w) => <li key={w.text} class={w.severe ? 'severe' : ''}>{w.severe ? '▲ ' : '△ '}{w.text}</li>)}</ul>}
        {farm.off.map((o) => <p key={o.group}>◌ {o.group ? `The miners of group ${o.group}` : 'All miners'} are off on purpose until {clock(o.until)}</p>)}
      </section>
      <dl class="figures">
        <Figure name="Hash rate, 5 min" value={hashrate(farm.hashrate)} />
        {farm.remembers && <Averages />}
        <Figure name="Workers up" value={count(farm.workers_up)} />
        <Figure name="Workers down" value={count(farm.workers_down)} bad={farm.workers_down > 0} />
        <Figure name="Not seen today" value={count(unseen())} bad={unseen() > 0} />
        <Figure name="Never seen" value={count(farm.workers_never_seen)} />
        <Figure name="Miners" value={count(farm.miners)} />
      </dl>
      {farm.remembers ? <History pools={farm.pools.map((p) => p.name)} /> : <p>Nothing is remembered: set state_dir to have charts.</p>}
      <section>
        <h2>Pools</h2>
        <PoolTable pools={farm.pools} />
      </section>
      <SplitRoutes />
      <section>
        <h2>Shares since farmproxy started</h2>
        <p>{count(farm.shares.accepted)} accepted, {count(bad)} rejected{bad > 0 && ` (${percent(bad / all, 2)})`}</p>
        {rejected.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="Rejected shares by reason"><table>
            <caption class="hidden">Rejected shares by reason</caption>
            <thead><tr><th scope="col">Rejected</th><th scope="col" class="number">Shares</th><th scope="col" class="number">Of all</th><th scope="col">What it means</th></tr></thead>
            <tbody>{rejected.map(([reason, n]) => (
              <tr key={reason}><th scope="row">{reason}</th><td class="number">{count(n)}</td><td class="number">{percent(n / all, 2)}</td><td class="wraps">{reasons[reason] ?? ''}</td></tr>
            ))}</tbody>
          </table></div>
        )}
      </section>
      <section>
        <h2>Workers, each against its usual</h2>
        <Heatmap />
      </section>
    </>
  )
}

/** unseen counts the workers that were up some day, but not for a moment today, by the farm's clock. */
function unseen(): number {
  const now = live.at / 1000 + live.offset
  const midnight = now - now % 86400 - live.offset
  let n = 0
  for (const w of live.workers.values()) if (w.state !== up && w.since > 0 && w.since < midnight) n++
  return n
}

function Figure({ name, value, bad }: { name: string; value: string; bad?: boolean }) {
  return <div class={bad ? 'bad' : ''}><dt>{name}</dt><dd>{value}</dd></div>
}

/** Averages are the farm's hash rates over longer times. */
function Averages() {
  const { value } = useAnswer(async (signal) => {
    const [hour, month] = await Promise.all([
      get<Points>('/api/v1/history', { from: '-1h', step: '1h' }, signal),
      get<Points>('/api/v1/history', { from: '-720h', step: '1h' }, signal),
    ])
    const mean = (p: Points['points']) => {
      const s = p.reduce((n, x) => n + x.seconds, 0)
      return s > 0 ? p.reduce((n, x) => n + x.hashrate * x.seconds, 0) / s : 0
    }
    const day = Date.now() - 86400e3
    return [mean(hour.points), mean(month.points.filter((p) => Date.parse(p.time) >= day)), mean(month.points)]
  }, [Math.floor(live.at / 60e3)])
  return <>{['1 h', '24 h', '30 d'].map((name, i) => <Figure key={name} name={'Hash rate, ' + name} value={value ? hashrate(value[i]) : '…'} />)}</>
}

/** mostGroups is how many groups the chart tells apart: as many as there are colours, less one. */
const mostGroups = 7

/** largest returns the names of the groups with the highest hash rates. */
function largest(): string[] {
  const rates = new Map<string, number>()
  for (const w of live.workers.values()) if (w.group) rates.set(w.group, (rates.get(w.group) ?? 0) + w.rate)
  return [...rates].sort((a, b) => b[1] - a[1]).slice(0, mostGroups).map(([name]) => name).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/** by is what the chart is stacked by. */
type By = 'pool' | 'group'

/** load returns the series of a chart: of each pool, or of the largest groups and of all other workers. */
async function load(by: By, names: string[], hours: number, step: string, signal: AbortSignal): Promise<Series[]> {
  const ask = (kind: string, name?: string) => get<Points>('/api/v1/history', { kind, from: `-${hours}h`, step, ...(name && { name }) }, signal)
  const series = await Promise.all(names.map(async (name) => ({ name, points: (await ask(by, name)).points })))
  if (by === 'pool') return series.filter((s) => s.points.length > 0 || series.length === 1)
  const rest = new Map<string, number>()
  for (const s of series) for (const p of s.points) rest.set(p.time, (rest.get(p.time) ?? 0) + p.hashrate)
  const others = (await ask('farm')).points.map((p) => ({ ...p, hashrate: Math.max(0, p.hashrate - (rest.get(p.time) ?? 0)) }))
  const noticeable = others.some((p) => p.hashrate > 0.01 * (rest.get(p.time) ?? 0)) // less is rounding
  return noticeable ? [...series, { name: 'all others', points: others }] : series
}

function History({ pools }: { pools: string[] }) {
  const [span, setSpan] = useState(1)
  const [by, setBy] = useState<By>('pool')
  const [name, hours, step] = spans[span]
  const groups = largest()
  const names = by === 'pool' ? pools : groups
  const { value, trouble } = useAnswer((signal) => load(by, names, hours, step, signal), [by, span, [...names].sort().join('\n'), Math.floor(live.at / 60e3)])
  return (
    <section>
      <h2>Hash rate by {by}</h2>
      <div class="filter">
        <Choice label="Time" of={spans.map(([name]) => name)} chosen={span} choose={setSpan} />
        {groups.length > 0 && <Choice label="Stacked by" of={['by pool', 'by group']} chosen={by === 'pool' ? 0 : 1} choose={(i) => setBy(i === 0 ? 'pool' : 'group')} />}
      </div>
      {trouble ? <p class="error">{trouble}</p> : value ? <Chart series={value} label={`Hash rate by ${by} over ${name}`} hours={hours} /> : <p class="blank">Loading</p>}
    </section>
  )
}

function Choice({ label, of, chosen, choose }: { label: string; of: string[]; chosen: number; choose: (i: number) => void }) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {of.map((name, i) => <button key={name} type="button" aria-pressed={i === chosen} onClick={() => choose(i)}>{name}</button>)}
    </div>
  )
}

/** SplitRoutes shows how the work of each route that is split is divided, and how it should be. */
function SplitRoutes() {
  const routes = useRoutes()
  if (routes.length === 0) return null
  return (
    <section>
      <h2>Routes</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Routes">
        <table>
          <thead><tr>
            <th scope="col">Route</th><th scope="col">Goal</th><th scope="col">State</th><th scope="col" class="number">Weight</th><th scope="col">Source</th><th scope="col" class="number">Wish</th>
            <th scope="col" class="number">Wished, 10 min</th><th scope="col" class="number">Part, 10 min</th><th scope="col" class="number">Hash rate</th><th scope="col" class="number">Miners</th>
          </tr></thead>
          <tbody>{routes.flatMap((r) => r.goals.map((g) => (
            <tr key={r.route + '\n' + g.goal}>
              <th scope="row">{r.route}</th><td>{g.goal}</td><td class={g.up ? '' : 'bad'}>{g.up ? '● up' : '✕ down'}</td>
              <td class="number">{number(g.weight)}</td><td>{g.source}</td><td class="number">{percent(g.wish)}</td>
              <td class="number">{g.wished_part === null ? unknown : percent(g.wished_part)}</td><td class="number">{g.part === null ? unknown : percent(g.part)}</td>
              <td class="number">{hashrate(g.hashrate)}</td><td class="number">{count(g.miners)}</td>
            </tr>
          )))}</tbody>
        </table>
      </div>
    </section>
  )
}

/** stateOf says how a pool is, in the words of the terminal. */
function stateOf(p: Pool): string {
  if (p.state !== 'enabled') return '■ ' + p.state
  if (!p.up) return '✕ down' + (p.trouble && ': ' + p.trouble)
  return p.active ? '● active' : '○ up'
}

/** certificateOf says when a pool's certificate ends, if that is within a month. */
function certificateOf(p: Pool): string {
  if (!p.certificate_ends || Date.parse(p.certificate_ends) - live.at > 30 * 86400e3) return ''
  return '; certificate until ' + clock(p.certificate_ends)
}

export function PoolTable({ pools, actions }: { pools: Pool[]; actions?: (p: Pool) => preact.ComponentChildren }) {
  const sum = pools.reduce((n, p) => n + p.hashrate, 0)
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Pools">
      <table>
        <thead><tr>
          <th scope="col">Pool</th><th scope="col">State</th><th scope="col" class="number">Hash rate</th><th scope="col" class="number">Part</th><th scope="col" class="number">Miners</th>
          <th scope="col" class="number">Difficulty</th><th scope="col" class="number">Mean lag</th><th scope="col" class="number">Verdict p50</th><th scope="col" class="number">Rejected</th>{actions && <th scope="col">Change</th>}
        </tr></thead>
        <tbody>{pools.map((p) => {
          const bad = total(p.shares.rejected)
          const all = bad + p.shares.accepted
          return (
            <tr key={p.name}>
              <th scope="row">{p.name}</th>
              <td class={p.up || p.state !== 'enabled' ? 'wraps' : 'wraps bad'}>{stateOf(p) + certificateOf(p)}</td>
              <td class="number">{hashrate(p.hashrate)}</td>
              <td class="number">{sum > 0 ? percent(p.hashrate / sum) : unknown}</td>
              <td class="number">{count(p.miners)}</td>
              <td class="number">{difficulty(p.difficulty)}</td>
              <td class="number">{p.lag_seconds === null ? unknown : seconds(p.lag_seconds)}</td>
              <td class="number">{p.latency_seconds === null ? unknown : seconds(p.latency_seconds)}</td>
              <td class="number">{all > 0 ? percent(bad / all, 2) : unknown}</td>
              {actions && <td>{actions(p)}</td>}
            </tr>
          )
        })}</tbody>
      </table>
    </div>
  )
}
