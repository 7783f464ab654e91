import { useRef, useState } from 'preact/hooks'

/** terms are for how long an order holds. */
const terms: [string, string][] = [['until it is taken back', ''], ['for 1 h', '1h'], ['for 8 h', '8h'], ['for 24 h', '24h']]

/** message says what went wrong. */
export const message = (e: unknown) => e instanceof Error ? e.message : String(e)

/** open shows a dialog, above everything else, until it is closed. */
export const open = (d: HTMLDialogElement | null) => { if (d && !d.open) d.showModal() }

interface Asked {
  title: string
  verb: string // what the button does
  timed?: boolean // it holds for a time
  go: (term: { for?: string }, form: FormData) => Promise<unknown>
  close: () => void
  children: preact.ComponentChildren // what it will do
}

/** Question asks once before something is changed, and says what that will do. */
export function Question({ title, verb, timed, go, close, children }: Asked) {
  const [trouble, setTrouble] = useState('')
  const [busy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const submit = async (e: SubmitEvent) => {
    e.preventDefault()
    const data = new FormData(form.current!)
    const term = data.get('for') as string | null
    setBusy(true)
    try {
      await go(term ? { for: term } : {}, data)
      close()
    } catch (e) {
      setTrouble(message(e))
    }
    setBusy(false)
  }
  return (
    <dialog ref={open} aria-labelledby="question" onClose={close}>
      <form ref={form} onSubmit={submit}>
        <h2 id="question">{title}</h2>
        {children}
        {timed && <p><label>It holds <select name="for">{terms.map(([name, value]) => <option key={value} value={value}>{name}</option>)}</select></label></p>}
        {trouble && <p class="error" role="alert">{trouble}</p>}
        <p class="choice"><button disabled={busy}>{verb}</button><button type="button" autofocus onClick={close}>Cancel</button></p>
      </form>
    </dialog>
  )
}
