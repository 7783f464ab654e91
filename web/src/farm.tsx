import { useState } from 'preact/hooks'
import { get } from './api'
import { Chart, type Series } from './chart'
import { count, difficulty, hashrate, percent, reasons, seconds } from './format'
import { Heatmap } from './heatmap'
import { useAnswer, useLive } from './hooks'
import { live, type Pool } from './live'

interface Points { points: { time: string; hashrate: number; work: number; accepted: number; rejected: number; seconds: number; up: number }[] }

/** spans are what the chart can show: the name, hours, and the length of a step. */
const spans: [string, number, string][] = [['1 h', 1, '1m'], ['24 h', 24, '10m'], ['7 d', 168, '1h'], ['30 d', 720, '3h']]

export function FarmView() {
  useLive()
  const farm = live.farm!
  const rejected = Object.entries(farm.shares.rejected).sort((a, b) => b[1] - a[1])
  const all = farm.shares.accepted + rejected.reduce((n, [, v]) => n + v, 0)
  return (
    <>
      <h1 tabIndex={-1}>Farm</h1>
      <section aria-label="Wrong now">
        {farm.wrong.length === 0 ? <p class="good">✓ Nothing is wrong.</p>
          : <ul class="wrong">{farm.wrong.map((w) => <li key={w.text} class={w.severe ? 'severe' : ''}>{w.severe ? '▲ ' : '△ '}{w.text}</li>)}</ul>}
      </section>
      <dl class="figures">
        <Figure name="Hash rate, 5 min" value={hashrate(farm.hashrate)} />
        {farm.remembers && <Averages />}
        <Figure name="Workers up" value={count(farm.workers_up)} />
        <Figure name="Workers down" value={count(farm.workers_down)} bad={farm.workers_down > 0} />
        <Figure name="Never seen" value={count(farm.workers_never_seen)} />
        <Figure name="Miners" value={count(farm.miners)} />
      </dl>
      {farm.remembers ? <History pools={farm.pools.map((p) => p.name)} /> : <p>Nothing is remembered: set state_dir to have charts.</p>}
      <section>
        <h2>Pools</h2>
        <PoolTable pools={farm.pools} />
      </section>
      <section>
        <h2>Shares since farmproxy started</h2>
        <p>{count(farm.shares.accepted)} accepted{all > 0 && `, ${percent(farm.shares.accepted / all, 2)} of all`}</p>
        {rejected.length > 0 && (
          <table>
            <caption class="hidden">Rejected shares by reason</caption>
            <thead><tr><th scope="col">Rejected</th><th scope="col" class="number">Shares</th><th scope="col" class="number">Of all</th><th scope="col">What it means</th></tr></thead>
            <tbody>{rejected.map(([reason, n]) => (
              <tr key={reason}><th scope="row">{reason}</th><td class="number">{count(n)}</td><td class="number">{percent(n / all, 3)}</td><td>{reasons[reason] ?? ''}</td></tr>
            ))}</tbody>
          </table>
        )}
      </section>
      <section>
        <h2>Workers, each against its usual</h2>
        <Heatmap />
      </section>
    </>
  )
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

function History({ pools }: { pools: string[] }) {
  const [span, setSpan] = useState(1)
  const [, hours, step] = spans[span]
  const { value, trouble } = useAnswer<Series[]>((signal) => Promise.all(pools.map(async (name) => (
    { name, points: (await get<Points>('/api/v1/history', { kind: 'pool', name, from: `-${hours}h`, step }, signal)).points }
  ))), [span, pools.join('\n'), Math.floor(live.at / 60e3)])
  return (
    <section>
      <h2>Hash rate by pool</h2>
      <div class="choice" role="group" aria-label="Time">
        {spans.map(([name], i) => <button key={name} type="button" aria-pressed={i === span} onClick={() => setSpan(i)}>{name}</button>)}
      </div>
      {trouble ? <p class="error">{trouble}</p> : value ? <Chart series={value.filter((s) => s.points.length > 0 || value.length === 1)} label={`Hash rate by pool over ${spans[span][0]}`} hours={hours} /> : <p class="blank">Loading</p>}
    </section>
  )
}

export function PoolTable({ pools, actions }: { pools: Pool[]; actions?: (p: Pool) => preact.ComponentChildren }) {
  const sum = pools.reduce((n, p) => n + p.hashrate, 0)
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Pools">
      <table>
        <thead><tr>
          <th scope="col">Pool</th><th scope="col">State</th><th scope="col" class="number">Hash rate</th><th scope="col" class="number">Share</th><th scope="col" class="number">Miners</th>
          <th scope="col" class="number">Difficulty</th><th scope="col" class="number">Lag</th><th scope="col" class="number">Verdict after</th><th scope="col" class="number">Rejected</th>{actions && <th scope="col">Change</th>}
        </tr></thead>
        <tbody>{pools.map((p) => {
          const bad = Object.values(p.shares.rejected).reduce((n, v) => n + v, 0)
          const all = bad + p.shares.accepted
          return (
            <tr key={p.name}>
              <th scope="row">{p.name}</th>
              <td class={p.up ? 'wraps' : 'wraps bad'}>{p.up ? (p.active ? '● in use' : '○ ready') : '✕ down' + (p.trouble && ': ' + p.trouble)}</td>
              <td class="number">{hashrate(p.hashrate)}</td>
              <td class="number">{sum > 0 ? percent(p.hashrate / sum) : '–'}</td>
              <td class="number">{count(p.miners)}</td>
              <td class="number">{difficulty(p.difficulty)}</td>
              <td class="number">{seconds(p.lag_seconds)}</td>
              <td class="number">{seconds(p.latency_seconds)}</td>
              <td class="number">{all > 0 ? percent(bad / all, 2) : '–'}</td>
              {actions && <td>{actions(p)}</td>}
            </tr>
          )
        })}</tbody>
      </table>
    </div>
  )
}
