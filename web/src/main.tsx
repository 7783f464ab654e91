import { render } from 'preact'
import 'uplot/dist/uPlot.min.css'
import './style.css'
import { App } from './app'
import { setToken } from './api'
import { connect } from './live'

// A read-only link carries its token behind #view=, which browsers send to nobody. It goes
// from the address bar into the tab.
function takeView() {
  const view = /^#view=([\x21-\x7e]+)$/.exec(location.hash)
  if (!view) return false
  setToken(view[1])
  history.replaceState(null, '', location.pathname + '#/')
  return true
}

takeView()
addEventListener('hashchange', () => { if (takeView()) location.reload() }) // into a tab that has the page already
render(<App />, document.getElementById('page')!)
connect()
