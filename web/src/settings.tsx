import { Accounts } from './accounts'
import { ViewLinks } from './viewlinks'

/** SettingsView is everything that is set up now and then. */
export function SettingsView() {
  return (
    <>
      <h1 tabIndex={-1}>Settings</h1>
      <Accounts />
      <ViewLinks />
    </>
  )
}
