import { useState } from 'preact/hooks'
import { get } from './api'
import { count, hashrate, number, percent, several, unknown } from './format'
import { useAnswer, useKept } from './hooks'
import { live } from './live'
import { OrderDialog } from './question'

interface GoalState { goal: string; up: boolean; weight: number; source: string; wish: number; part: number | null; wished_part: number | null; hashrate: number; miners: number }

export interface RouteState { route: string; miners: number; hashrate: number; goals: GoalState[] }

/** useRoutes returns the routes that are split, and asks anew when done changes. */
export function useRoutes(done = 0): RouteState[] {
  return useKept(useAnswer(async (signal) => (await get<{ routes: RouteState[] }>('/api/v1/routes', {}, signal)).routes, [done, Math.floor(live.at / 10e3)]).value) ?? []
}

/** Routes shows how the work is divided, and has it divided otherwise for a time. */
export function Routes({ done, changed }: { done: number; changed: () => void }) {
  const routes = useRoutes(done)
  const [asked, ask] = useState<RouteState | null>(null)
  if (routes.length === 0) return null
  return (
    <section>
      <h2>Routes</h2>
      {routes.map((r) => (
        <div key={r.route}>
          <h3>Route {r.route}: {several(r.miners, 'miner')}, {hashrate(r.hashrate)}</h3>
          <div class="scroll" tabIndex={0} role="region" aria-label={`Goals of route ${r.route}`}>
            <table>
              <thead><tr><th scope="col">Goal</th><th scope="col">State</th><th scope="col" class="number">Weight</th><th scope="col">Source</th><th scope="col" class="number">Wish</th><th scope="col" class="number">Wished, 10 min</th><th scope="col" class="number">Part, 10 min</th><th scope="col" class="number">Hash rate</th><th scope="col" class="number">Miners</th></tr></thead>
              <tbody>{r.goals.map((g) => (
                <tr key={g.goal}><th scope="row">{g.goal}</th><td class={g.up ? '' : 'bad'}>{g.up ? '● up' : '✕ down'}</td><td class="number">{number(g.weight)}</td><td>{g.source}</td>
                  <td class="number">{percent(g.wish)}</td><td class="number">{g.wished_part === null ? unknown : percent(g.wished_part)}</td><td class="number">{g.part === null ? unknown : percent(g.part)}</td><td class="number">{hashrate(g.hashrate)}</td><td class="number">{count(g.miners)}</td></tr>
              ))}</tbody>
            </table>
          </div>
          <p><button type="button" onClick={() => ask(r)}>Weigh {r.route} otherwise for a time</button></p>
        </div>
      ))}
      {asked && <Weigh route={asked} close={() => { ask(null); changed() }} />}
    </section>
  )
}

/** Weigh asks for other weights. */
function Weigh({ route, close }: { route: RouteState; close: () => void }) {
  const weights = (form: FormData) => Object.fromEntries(route.goals.map((g, i) => [g.goal, Number(form.get('weight-' + i))]))
  return (
    <OrderDialog title={`Weights of route ${route.route}`} verb="Weigh" timed close={close}
      order={(term, form) => ({ method: 'PUT', path: `/api/v1/routes/${encodeURIComponent(route.route)}/weights`, body: { ...term, weights: weights(form) } })}>
      <div class="keys">
        {route.goals.map((g, i) => <div key={g.goal}><label for={'weight-' + i}>{g.goal}</label><input id={'weight-' + i} name={'weight-' + i} type="number" min="0" step="any" required defaultValue={g.weight} /></div>)}
      </div>
    </OrderDialog>
  )
}
