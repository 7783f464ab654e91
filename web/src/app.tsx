import { useEffect, useState } from 'preact/hooks'
import { setToken, token } from './api'
import { ago, clock, farmClock } from './format'
import { useLive, useRoute } from './hooks'
import { connect, live } from './live'
import { FarmView } from './farm'
import { WorkersView } from './workers'
import { WorkerView } from './worker'
import { PoolsView } from './pools'
import { AlertsView } from './alerts'
import { EventsView } from './events'
import { SettingsView } from './settings'
import { elsewhere } from './time'

const views: [string, string, () => preact.ComponentChildren][] = [
  ['', 'Farm', FarmView], ['workers', 'Workers', WorkersView], ['pools', 'Pools', PoolsView], ['alerts', 'Alerts', AlertsView], ['events', 'Events', EventsView],
  ['settings', 'Settings', SettingsView],
]

export function App() {
  useLive()
  const route = useRoute()
  useEffect(() => { document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true }) }, [route[0], route[1]])
  if (live.denied) return <Login />
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.querySelector<HTMLElement>('main')?.focus() }}>Skip to content</a>
      <header>
        <strong>farmproxy</strong>
        <nav aria-label="Views">
          {views.map(([path, name]) => (
            <a key={path} href={'#/' + path} aria-current={(route[0] === 'worker' ? 'workers' : route[0]) === path ? 'page' : undefined}>{name}</a>
          ))}
        </nav>
        <Freshness />
        {token() && <button type="button" onClick={() => { setToken(''); location.reload() }}>Log out</button>}
      </header>
      <main id="main" tabIndex={-1}>
        {live.farm ? <View route={route} /> : <Waiting />}
      </main>
    </>
  )
}

/** View is what a route leads to: the farm, where there is nothing. */
function View({ route }: { route: string[] }) {
  if (route[0] === 'worker') return <WorkerView key={route[1]} name={route.slice(1).join('/')} />
  const Shown = views.find(([path]) => path === route[0])?.[2] ?? FarmView
  return <Shown />
}

function Waiting() {
  return <p role="status">{live.trouble ? `farmproxy does not answer: ${live.trouble}. Trying again.` : 'Loading'}</p>
}

/** Freshness says how old the page's figures are. */
function Freshness() {
  const [now, set] = useState(performance.now())
  useEffect(() => {
    const timer = setInterval(() => set(performance.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  const age = live.heard ? now - live.heard : 0
  const late = age > 6000 || live.trouble !== ''
  const zone = elsewhere(live.at) ? ` (${farmClock(live.at, live.offset)} at the farm, ${live.zone})` : ''
  return (
    <p class={late ? 'fresh late' : 'fresh'} role="status">
      {!live.heard ? 'Connecting' : late ? `Out of date: ${ago(age)} old${live.trouble && ', ' + live.trouble}` : clock(live.at) + zone}
    </p>
  )
}

function Login() {
  const [wrong, setWrong] = useState(token() ? 'This token is not known, or may not read; a view link may be over or revoked.' : '')
  const submit = async (e: SubmitEvent) => {
    e.preventDefault()
    const value = new FormData(e.target as HTMLFormElement).get('token') as string
    if (!/^[\x21-\x7e]+$/.test(value.trim())) {
      setWrong('A token has letters, digits and signs, without spaces.')
      return
    }
    setToken(value.trim())
    setWrong('')
    await connect() // it ends if it is denied
    if (live.denied) setWrong('This token is not known, or may not read.')
  }
  return (
    <main id="main">
      <form class="login" onSubmit={submit}>
        <h1 tabIndex={-1}>farmproxy</h1>
        <label>Token
          <input name="token" type="password" autocomplete="off" autofocus required aria-describedby="login-help" />
        </label>
        <p id="login-help">One of http.token_file, with scope read or admin. It is kept until this tab is closed.</p>
        {wrong && <p class="error" role="alert">{wrong}</p>}
        <button>Log in</button>
      </form>
    </main>
  )
}
