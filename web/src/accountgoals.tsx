import { useState } from 'preact/hooks'
import { Field } from './field'
import { percent, unknown } from './format'
import { moved } from './overlay'
import { OrderDialog } from './question'

/** Level is a pool of a goal. farmproxy shows no password: one that is left out stays as it is. */
interface Level { pool: string; user?: string; password?: string }

interface Goal { name: string; weight: number | string; pools: Level[] } // a weight that somebody is writing is a text

export interface Account { name: string; pool: string; user: string; miners: number; hashrate: number; goals: Goal[] }

const total = (goals: Goal[]) => goals.reduce((n, g) => n + Number(g.weight), 0)

const part = (g: Goal, sum: number) => sum > 0 ? percent(Number(g.weight) / sum) : unknown

/** division says where the work of an account goes. */
export function division(a: Account): string {
  const sum = total(a.goals), at = (p: Level) => p.user ? `${p.pool} as ${p.user}` : p.pool
  return a.goals.length > 0 ? a.goals.map((g) => `${g.name} ${part(g, sum)} on ${g.pools.map(at).join(', ')}`).join('; ') : a.pool
}

/** AccountGoals divides the work of an account among goals; pools are those that there are. */
export function AccountGoals({ account, pools, close }: { account: Account; pools: string[]; close: () => void }) {
  const [goals, setGoals] = useState<Goal[]>(account.goals.length > 0 ? account.goals : [
    { name: 'main', weight: 70, pools: [{ pool: account.pool }] }, { name: 'second', weight: 30, pools: [{ pool: '' }] },
  ])
  const set = (i: number, g: Partial<Goal>) => setGoals(goals.map((o, j) => i === j ? { ...o, ...g } : o))
  const sum = total(goals)
  return (
    <OrderDialog title={`Divide the work of ${account.name}`} verb="Set it" close={close} state={goals}
      order={() => ({ method: 'PUT', path: '/api/v1/users/' + encodeURIComponent(account.name), body: { goals: goals.map(finished) } })}>
      <div class="keys">
        {goals.length === 0 && <p>Without goals, all of it goes to {account.pool}.</p>}
        {goals.map((g, i) => {
          const called = 'goal ' + (g.name || i + 1)
          return (
            <fieldset key={i}>
              <legend>Goal {g.name || i + 1}</legend>
              <label>name <input value={g.name} onInput={(e) => set(i, { name: e.currentTarget.value })} required autocomplete="off" /></label>
              <label>weight <input type="number" min="0" step="any" required value={g.weight} aria-describedby={'part-' + i} onInput={(e) => set(i, { weight: e.currentTarget.value })} /></label>
              <small id={'part-' + i}>{part(g, sum)} of the work</small>
              <Levels goal={called} at={i} levels={g.pools} pools={pools} set={(pools) => set(i, { pools })} />
              <span class="choice">
                {i > 0 && <button type="button" aria-label={`Move ${called} up`} onClick={() => setGoals(moved(goals, i, i - 1))}>↑</button>}
                <button type="button" onClick={() => setGoals(goals.filter((_, j) => j !== i))}>Remove {called}</button>
              </span>
            </fieldset>
          )
        })}
        <p><button type="button" onClick={() => setGoals([...goals, { name: '', weight: '', pools: [{ pool: '' }] }])}>Add a goal</button></p>
      </div>
    </OrderDialog>
  )
}

interface Leveled { goal: string; at: number; levels: Level[]; pools: string[]; set: (levels: Level[]) => void }

/** Levels are the pools of a goal: the first one that works serves. */
function Levels({ goal, at, levels, pools, set }: Leveled) {
  const change = (i: number, l: Partial<Level>) => set(levels.map((o, j) => i === j ? { ...o, ...l } : o))
  return (
    <>
      {levels.map((l, i) => {
        const name = `pool ${i + 1} of ${goal}`, id = `level-${at}-${i}`
        return (
          <fieldset key={i}>
            <legend>{name}{i > 0 && ', if none before works'}</legend>
            <div>
              <label for={id}>pool</label>
              <select id={id} required value={l.pool} onChange={(e) => change(i, { pool: e.currentTarget.value })}>
                <option value="">-</option>
                {(l.pool === '' || pools.includes(l.pool) ? pools : [l.pool, ...pools]).map((p) => <option key={p} value={p}>{p}</option>)}
              </select>
            </div>
            <div class="fields">
              <Field name="user" id={id + '-user'} hint="left empty: the account's own" value={l.user ?? ''} set={(user) => change(i, { user })} problems={[]} />
              {l.user && <Field name="password" id={id + '-password'} type="password" hint="left empty: the one so far, if any" value={l.password ?? ''} set={(password) => change(i, { password })} problems={[]} />}
            </div>
            <span class="choice">
              {i > 0 && <button type="button" aria-label={`Prefer ${name} more`} onClick={() => set(moved(levels, i, i - 1))}>↑</button>}
              {levels.length > 1 && <button type="button" onClick={() => set(levels.filter((_, j) => j !== i))}>Remove {name}</button>}
            </span>
          </fieldset>
        )
      })}
      <span><button type="button" onClick={() => set([...levels, { pool: '' }])}>Add a pool to {goal}</button></span>
    </>
  )
}

/** finished returns a goal as farmproxy takes it. */
const finished = ({ name, weight, pools }: Goal) => ({
  name: name.trim(), weight: Number(weight),
  pools: pools.map(({ pool, user, password }) => ({ pool, ...(user?.trim() && { user: user.trim(), ...(password && { password }) }) })),
})
