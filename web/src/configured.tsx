import { useState } from 'preact/hooks'
import { ChangeDialog, type Fill } from './change'
import { clock, percent } from './format'
import { useAnswer } from './hooks'
import { moved, period, read, type Lists, type Overlay, type Period, type Route } from './overlay'
import { PoolForm } from './poolform'
import { RouteForm } from './routeform'

/** Asked is a change that somebody wants: a list, or a form of one. */
interface Asked { title: string; now: Overlay; lists?: Lists | null; form?: (f: Fill) => preact.ComponentChildren }

/** Configured are the pools and routes that farmproxy works by, to be changed. */
export function Configured() {
  const [asked, ask] = useState<Asked | null>(null)
  const [done, setDone] = useState(0)
  const { value: now, trouble } = useAnswer(read, [done])
  const close = () => { ask(null); setDone(done + 1) }
  return (
    <section>
      <h2>Configuration</h2>
      {trouble && <p class="error">{trouble}</p>}
      {now && <Source now={now} ask={ask} />}
      {now && <PoolList now={now} ask={ask} />}
      {now && <RouteList now={now} ask={ask} />}
      {asked && <ChangeDialog {...asked} close={close} />}
    </section>
  )
}

interface Part { now: Overlay; ask: (a: Asked) => void }

/** Source says whose pools and routes these are. */
function Source({ now, ask }: Part) {
  if (!now.overlay) return <p>Pools and routes are those of the configuration file. What is changed here takes their place, and is kept in state_dir.</p>
  return (
    <p>Set over the API by {now.overlay.by}, since {clock(now.overlay.since)}: pools and routes of the configuration file have no effect.{' '}
      <button type="button" onClick={() => ask({ title: "Use the configuration file's again?", now, lists: null })}>Use the file's again</button></p>
  )
}

function PoolList({ now, ask }: Part) {
  const place = (i: number, to: number) => ask({ title: `Move ${now.pool[i].name} to place ${to + 1}?`, now, lists: { pool: moved(now.pool, i, to), route: now.route } })
  const without = (name: string): Lists => ({
    pool: now.pool.filter((p) => p.name !== name),
    route: now.route.map((r) => ({ ...r, goal: r.goal.map((g) => ({ ...g, pools: g.pools.filter((p) => p !== name) })) })),
  })
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Pools of the configuration">
        <table>
          <caption class="hidden">Pools in order of preference</caption>
          <thead><tr><th scope="col" class="number">Place</th><th scope="col">Pool</th><th scope="col">url</th><th scope="col">user</th><th scope="col">Change</th></tr></thead>
          <tbody>{now.pool.map((p, i) => (
            <tr key={p.name}>
              <td class="number">{i + 1}</td><th scope="row">{p.name}</th><td>{p.url}</td><td>{p.user}</td>
              <td><span class="choice">
                <button type="button" disabled={i === 0} aria-label={`Prefer ${p.name} more`} onClick={() => place(i, i - 1)}>↑</button>
                <button type="button" disabled={i === now.pool.length - 1} aria-label={`Prefer ${p.name} less`} onClick={() => place(i, i + 1)}>↓</button>
                <button type="button" aria-label={`Change ${p.name}`} onClick={() => ask({ title: `Change ${p.name}`, now, form: (f) => <PoolForm now={now} at={i} {...f} /> })}>Change</button>
                <button type="button" aria-label={`Remove ${p.name}`} onClick={() => ask({ title: `Remove ${p.name}?`, now, lists: without(p.name) })}>Remove</button>
              </span></td>
            </tr>
          ))}</tbody>
        </table>
      </div>
      <p><button type="button" onClick={() => ask({ title: 'Add a pool', now, form: (f) => <PoolForm now={now} at={now.pool.length} {...f} /> })}>Add a pool</button></p>
    </>
  )
}

function RouteList({ now, ask }: Part) {
  const said = (r: Route) => {
    const sum = r.goal.reduce((n, g) => n + g.weight, 0)
    const at = (times: Period[]) => times.length > 0 ? ` (${times.map(period).join(', ')})` : ''
    return r.goal.map((g) => `${g.name} ${percent(g.weight / sum)} on ${g.pools.join(', ')}${at(g.schedule ?? [])}`).join('; ')
  }
  return (
    <>
      <ul class="lines">{now.route.map((r, i) => (
        <li key={r.name}>Route {r.name}: {said(r)}{' '}<span class="choice">
          <button type="button" aria-label={`Change route ${r.name}`} onClick={() => ask({ title: `Change route ${r.name}`, now, form: (f) => <RouteForm now={now} at={i} {...f} /> })}>Change</button>
          <button type="button" aria-label={`Remove route ${r.name}`} onClick={() => ask({ title: `Remove route ${r.name}?`, now, lists: { pool: now.pool, route: now.route.filter((_, j) => j !== i) } })}>Remove</button>
        </span></li>
      ))}</ul>
      <p><button type="button" onClick={() => ask({ title: 'Divide the work among pools', now, form: (f) => <RouteForm now={now} at={now.route.length} {...f} /> })}>{now.route.length === 0 ? 'Divide the work' : 'Add a route'}</button></p>
    </>
  )
}
