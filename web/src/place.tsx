import { useState } from 'preact/hooks'
import { get } from './api'
import { clock } from './format'
import { useAnswer } from './hooks'
import { live } from './live'
import { OrderDialog, type Order, type Term } from './question'
import { useRoutes } from './routes'

interface Pin { kind: string; name: string; what: string; by: string; until: string | null }

interface Moved { moved: number; stayed: number; refused: { miners: number; reason: string }[] }

/** Place moves a worker to a goal of a split route, or keeps it there. */
export function Place({ worker }: { worker: string }) {
  const [asked, ask] = useState('')
  const [done, setDone] = useState(0)
  const goals = useRoutes(done).flatMap((r) => r.goals.map((g) => [r.route, g.goal]))
  const pin = useAnswer(async (signal) => (await get<{ orders: Pin[] }>('/api/v1/orders', {}, signal)).orders.find((o) => o.kind === 'pin' && o.name === worker), [worker, done, Math.floor(live.at / 60e3)]).value
  const close = () => { ask(''); setDone(done + 1) }
  const path = `/api/v1/workers/${encodeURIComponent(worker)}/`
  const move = (term: Term, form: FormData): Order => {
    const [route, goal] = goals[Number(form.get('goal'))]
    const stays = form.has('stays')
    return { method: 'POST', path: path + (stays ? 'pin' : 'move'), body: { route, goal, ...(stays ? term : {}) } }
  }
  const moved = (answer: string) => {
    const m: Moved = JSON.parse(answer)
    if (m.moved + m.stayed === 0 && m.refused.length > 0) throw new Error(m.refused.map((r) => `${r.miners} not moved: ${r.reason}`).join('; '))
  }
  if (goals.length === 0 && !pin) return null
  return (
    <section>
      <h2>Goal</h2>
      {pin && <p>Pinned: {pin.what}, by {pin.by}{pin.until && `, until ${clock(pin.until)}`} <button type="button" onClick={() => ask('unpin')}>Unpin</button></p>}
      {goals.length > 0 && <p><button type="button" onClick={() => ask('move')}>Move or pin</button></p>}
      {asked === 'move' && (
        <OrderDialog title={`Move ${worker}`} verb="Move" timed close={close} order={move} given={moved}>
          <div class="keys">
            <label>Goal <select name="goal">{goals.map(([route, goal], i) => <option key={i} value={i}>{route}: {goal}</option>)}</select></label>
            <label class="check"><input type="checkbox" name="stays" />It stays there (pin)</label>
          </div>
        </OrderDialog>
      )}
      {asked === 'unpin' && <OrderDialog title={`Unpin ${worker}?`} verb="Unpin" close={close} order={() => ({ method: 'DELETE', path: path + 'pin' })} />}
    </section>
  )
}
