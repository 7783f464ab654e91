import { useState } from 'preact/hooks'
import { type Fill } from './change'
import { percent, unknown } from './format'
import { type Goal, type Overlay } from './overlay'
import { finished, ScheduleForm, shows, Zones } from './scheduleform'

/** Draft is a goal that somebody is writing: its weight is a text, so that a point at its end stays. */
interface Draft extends Omit<Goal, 'weight'> { weight: number | string }

/** RouteForm is the form of a route; at is its place in the list, or that of a new one. */
export function RouteForm({ now, at, submit, problems, busy }: { now: Overlay; at: number } & Fill) {
  const before = now.route[at] as { name: string; goal: Goal[] } | undefined
  const pools = now.pool.map((p) => p.name)
  const [name, setName] = useState(before?.name ?? (now.route.length === 0 ? 'all' : ''))
  const [goals, setGoals] = useState<Draft[]>(before?.goal ?? [{ name: 'main', weight: 70, pools }, { name: 'second', weight: 30, pools: [...pools.slice(1), ...pools.slice(0, 1)] }])
  const set = (i: number, g: Partial<Draft>) => setGoals(goals.map((o, j) => i === j ? { ...o, ...g } : o))
  const sum = goals.reduce((n, g) => n + Number(g.weight), 0)
  const schedule = (i: number) => `route[${at + 1}].goal[${i + 1}].schedule`
  const others = problems.filter((p) => !goals.some((g, i) => shows(schedule(i), g.schedule ?? [], p)))
  const send = (e: SubmitEvent) => {
    e.preventDefault()
    const route = { name: name.trim(), goal: goals.map((g) => ({ ...g, name: g.name.trim(), weight: Number(g.weight), schedule: finished(g.schedule ?? []) })) }
    submit({ pool: now.pool, route: before ? now.route.map((r, i) => i === at ? route : r) : [...now.route, route] })
  }
  return (
    <form onSubmit={send} class="keys">
      <label>name <input value={name} onInput={(e) => setName(e.currentTarget.value)} autocomplete="off" /></label>
      {goals.map((g, i) => (
        <fieldset key={i}>
          <legend>Goal {g.name || i + 1}</legend>
          <label>name <input value={g.name} onInput={(e) => set(i, { name: e.currentTarget.value })} autocomplete="off" /></label>
          <label>weight <input type="number" min="0" step="any" required value={g.weight} aria-describedby={'fraction-' + i} onInput={(e) => set(i, { weight: e.currentTarget.value })} /></label>
          <small id={'fraction-' + i}>{sum > 0 ? percent(Number(g.weight) / sum) : unknown} of the work{g.schedule && g.schedule.length > 0 && '; other weights at times, by its schedule'}</small>
          <PoolChoice pools={pools} chosen={g.pools} set={(pools) => set(i, { pools })} />
          <ScheduleForm goal={'goal ' + (g.name || i + 1)} path={schedule(i)} periods={g.schedule ?? []} set={(schedule) => set(i, { schedule })} problems={problems} />
          {goals.length > 1 && <button type="button" onClick={() => setGoals(goals.filter((_, j) => j !== i))}>Remove goal {g.name || i + 1}</button>}
        </fieldset>
      ))}
      <p><button type="button" onClick={() => setGoals([...goals, { name: '', weight: 0, pools: [] }])}>Add a goal</button></p>
      <Zones />
      {others.map((p) => <p key={p.text} class="error" role="alert">{p.text}</p>)}
      <p><button disabled={busy}>What would it do?</button></p>
    </form>
  )
}

/** PoolChoice is an order of pools: the first one that works serves. */
function PoolChoice({ pools, chosen, set }: { pools: string[]; chosen: string[]; set: (pools: string[]) => void }) {
  const choices = chosen.length < pools.length ? [...chosen, ''] : chosen
  return (
    <>
      {choices.map((name, i) => (
        <label key={i}>{i === 0 ? 'pools: first' : 'if none before works'}
          <select value={name} onChange={(e) => set([...chosen.slice(0, i), e.currentTarget.value, ...chosen.slice(i + 1)].filter((p) => p))}>
            <option value="">-</option>
            {pools.filter((p) => p === name || !chosen.includes(p)).map((p) => <option key={p} value={p}>{p}</option>)}
          </select>
        </label>
      ))}
    </>
  )
}
