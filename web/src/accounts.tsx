import { useState } from 'preact/hooks'
import { AccountGoals, division, type Account } from './accountgoals'
import { get, Refused, send } from './api'
import { count, hashrate, several } from './format'
import { useAnswer, useKept } from './hooks'
import { OrderDialog, Question } from './question'

/** page is how many accounts are listed: who has more of them searches. */
const page = 50

/** Accounts are those of the store: nothing without one. */
export function Accounts() {
  const [done, setDone] = useState(0)
  const [search, setSearch] = useState('')
  const [asked, ask] = useState<'account' | 'pool' | Account | null>(null)
  const [divided, divide] = useState<Account | null>(null)
  const [made, setMade] = useState('')
  const { value, trouble } = useAnswer(async (signal) => {
    try {
      const [users, pools] = await Promise.all([
        get<{ total: number; users: Account[] }>('/api/v1/users', { search, per_page: String(page) }, signal),
        get<{ pools: { pool: string }[] }>('/api/v1/pools', { per_page: '1000' }, signal),
      ])
      return { total: users.total, users: users.users, pools: pools.pools.map((p) => p.pool) }
    } catch (e) {
      if (e instanceof Refused && e.status === 404) return null // there is no store
      throw e
    }
  }, [done, search])
  const pools = useKept(value?.pools) ?? []
  const close = () => { ask(null); divide(null); setDone(done + 1) }
  const text = (form: FormData, key: string) => (form.get(key) as string).trim()
  const registration = (form: FormData) => {
    const password = form.get('password') as string
    return { pool: text(form, 'pool'), user: text(form, 'user'), ...(password && { password }) }
  }
  if (value === null) return null
  return (
    <section>
      <h2>Accounts</h2>
      <div class="filter">
        <label>Search <input type="search" value={search} onChange={(e) => setSearch(e.currentTarget.value)} /></label>
        <button type="button" onClick={() => ask('account')}>Register an account</button>
        <button type="button" onClick={() => ask('pool')}>Register a pool</button>
      </div>
      {trouble && <p class="error">{trouble}</p>}
      {made && <p role="status">Registered: miners log in as {made}.WORKER, with any password.</p>}
      {value && <p>{several(value.total, 'account')}{value.total > page && `, ${page} of them listed: search for the others`}</p>}
      {value && value.users.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Accounts">
          <table>
            <thead><tr><th scope="col">Name</th><th scope="col">Pool</th><th scope="col">User</th><th scope="col" class="number">Miners</th><th scope="col" class="number">Hash rate</th><th scope="col">Change</th></tr></thead>
            <tbody>{value.users.map((a) => (
              <tr key={a.name}><th scope="row">{a.name}</th><td class="wraps">{division(a)}</td><td>{a.user}</td><td class="number">{count(a.miners)}</td><td class="number">{hashrate(a.hashrate)}</td>
                <td><span class="choice">
                  <button type="button" aria-label={`Divide the work of ${a.name}`} onClick={() => divide(a)}>Divide</button>
                  <button type="button" aria-label={`Delete ${a.name}`} onClick={() => ask(a)}>Delete</button>
                </span></td></tr>
            ))}</tbody>
          </table>
        </div>
      )}
      {asked === 'account' && (
        <OrderDialog title="Register an account" verb="Register" close={close} state={pools} given={(answer) => setMade(JSON.parse(answer).name)}
          order={(_, form) => ({ method: 'POST', path: '/api/v1/users', body: registration(form) })}>
          <div class="keys">
            <label for="account-pool">pool</label><select id="account-pool" name="pool" required>{pools.map((p) => <option key={p}>{p}</option>)}</select>
            <label for="account-user">user</label><input id="account-user" name="user" required autocomplete="off" />
            <label for="account-password">password</label><input id="account-password" name="password" type="password" autocomplete="new-password" />
          </div>
        </OrderDialog>
      )}
      {asked === 'pool' && (
        <Question title="Register a pool" verb="Register" close={close} go={(_, form) => send('POST', '/api/v1/pools', { pool: text(form, 'pool'), algorithm: text(form, 'algorithm'), tls: form.has('tls') })}>
          <p>Accounts can be registered at it then. farmproxy connects to it when a miner of one comes.</p>
          <div class="keys">
            <label for="pool-pool">pool, host:port</label><input id="pool-pool" name="pool" required autocomplete="off" />
            <label for="pool-algorithm">algorithm</label><input id="pool-algorithm" name="algorithm" required defaultValue="sha256d" autocomplete="off" />
            <label class="check"><input type="checkbox" name="tls" />tls</label>
          </div>
        </Question>
      )}
      {asked && typeof asked !== 'string' && <OrderDialog title={`Delete ${asked.name}?`} verb="Delete" close={close} order={() => ({ method: 'DELETE', path: '/api/v1/users/' + encodeURIComponent(asked.name) })} />}
      {divided && <AccountGoals account={divided} pools={pools} close={close} />}
    </section>
  )
}
