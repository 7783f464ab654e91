import { useState } from 'preact/hooks'
import { get, send } from './api'
import { clock } from './format'
import { useAnswer } from './hooks'
import { live } from './live'
import { Question } from './question'
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
  const move = async (term: { for?: string }, form: FormData) => {
    const [route, goal] = goals[Number(form.get('goal'))]
    const stays = form.has('stays')
    const m: Moved = JSON.parse(await send('POST', path + (stays ? 'pin' : 'move'), { route, goal, ...(stays ? term : {}) }))
    if (!stays && m.moved + m.stayed === 0 && m.refused.length > 0) throw new Error(m.refused.map((r) => `${r.miners} not moved: ${r.reason}`).join('; '))
  }
  if (goals.length === 0 && !pin) return null
  return (
    <section>
      <h2>Goal</h2>
      {pin && <p>Pinned: {pin.what}, by {pin.by}{pin.until && `, until ${clock(pin.until)}`} <button type="button" onClick={() => ask('unpin')}>Unpin</button></p>}
      {goals.length > 0 && <p><button type="button" onClick={() => ask('move')}>Move or pin</button></p>}
      {asked === 'move' && (
        <Question title={`Move ${worker}`} verb="Move" timed close={close} go={move}>
          <p>Its miners get a clean job of the goal at once, on the connections that they have, if their extranonce2 and version bits fit there. Unless the worker stays there, it may be moved again to keep the split.</p>
          <div class="keys">
            <label>Goal <select name="goal">{goals.map(([route, goal], i) => <option key={i} value={i}>{route}: {goal}</option>)}</select></label>
            <label class="check"><input type="checkbox" name="stays" />It stays there (pin)</label>
          </div>
        </Question>
      )}
      {asked === 'unpin' && (
        <Question title={`Unpin ${worker}?`} verb="Unpin" close={close} go={() => send('DELETE', path + 'pin')}>
          <p>The worker stays where it is, and may be moved again to keep its route's split.</p>
        </Question>
      )}
    </section>
  )
}
