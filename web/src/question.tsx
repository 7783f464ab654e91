import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { send } from './api'
import { Lines } from './lines'

/** terms are for how long an order holds. */
const terms: [string, string][] = [['until it is taken back', ''], ['for 1 h', '1h'], ['for 8 h', '8h'], ['for 24 h', '24h']]

/** pause is how long a form has to be left alone before farmproxy is asked what it would do, in ms. */
const pause = 150

/** message says what went wrong. */
export const message = (e: unknown) => e instanceof Error ? e.message : String(e)

/** open shows a dialog, above everything else, until it is closed. */
export const open = (d: HTMLDialogElement | null) => { if (d && !d.open) d.showModal() }

/** Term is for how long an order holds. */
export interface Term { for?: string }

interface Dialog {
  title: string
  verb: string // what the button does
  timed?: boolean // it holds for a time
  state?: unknown // what an order depends on beside the fields
  close: () => void
  children?: preact.ComponentChildren
}

interface Asked extends Dialog { go: (term: Term, form: FormData) => Promise<unknown> }

/** Question asks once before something is changed; its children say what that will do. */
export function Question({ go, ...dialog }: Asked) { return <Form {...dialog} go={go} ready /> }

/** Order is a request that changes something. */
export interface Order { method: string; path: string; query?: Record<string, string>; body?: unknown }

/** give sends an order, or with dry asks what it would do. */
function give(o: Order, dry: boolean): Promise<string> {
  const query = new URLSearchParams({ ...o.query, ...(dry && { dry_run: 'true' }) }).toString()
  return send(o.method, o.path + (query && '?' + query), o.body)
}

interface Ordered extends Dialog {
  order: (term: Term, form: FormData) => Order
  given?: (answer: string) => void // looks at the answer; may throw
}

/** OrderDialog asks once before something is changed, and shows what farmproxy says that it will do: of each order that the form makes, before it can be given. A form that is not filled in yet makes none. */
export function OrderDialog({ order, given, ...dialog }: Ordered) {
  const [wanted, want] = useState<Order | null>(null)
  const [would, setWould] = useState<{ order: Order; effects: string[]; trouble?: string } | null>(null)
  useEffect(() => {
    if (!wanted) return
    let gone = false
    const wait = setTimeout(async () => {
      const answer = { order: wanted, effects: [] as string[], trouble: '' }
      try {
        answer.effects = JSON.parse(await give(wanted, true)).effects
      } catch (e) {
        answer.trouble = message(e)
      }
      if (!gone) setWould(answer)
    }, pause)
    return () => { gone = true; clearTimeout(wait) }
  }, [JSON.stringify(wanted)])
  const said = wanted && would
  const ready = !!said && !would.trouble && JSON.stringify(would.order) === JSON.stringify(wanted)
  const go = async () => {
    const answer = await give(wanted!, false)
    given?.(answer)
  }
  return (
    <Form {...dialog} go={go} ready={ready} changed={(read) => want(read && order(...read))} effects={<>
      {said?.trouble && <p class="error" role="alert">{said.trouble}</p>}
      <div role="status" aria-busy={!!wanted && !ready}><Lines title="What it does" lines={said?.effects ?? []} /></div>
    </>} />
  )
}

interface Filled extends Asked {
  ready: boolean // the button can be used
  changed?: (read: [Term, FormData] | null) => void // what the form says, at first and after each change; null: it is not filled in
  effects?: preact.ComponentChildren
}

function Form({ title, verb, timed, state, go, close, children, ready, changed, effects }: Filled) {
  const [trouble, setTrouble] = useState('')
  const [busy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const read = (): [Term, FormData] => {
    const data = new FormData(form.current!)
    const term = data.get('for') as string | null
    return [term ? { for: term } : {}, data]
  }
  const look = () => { setTrouble(''); changed?.(form.current!.checkValidity() ? read() : null) }
  useLayoutEffect(look, [state]) // before anybody can press a button
  const submit = async (e: SubmitEvent) => {
    e.preventDefault()
    setBusy(true)
    try {
      await go(...read())
      close()
    } catch (e) {
      setTrouble(message(e))
    }
    setBusy(false)
  }
  return (
    <dialog ref={open} aria-labelledby="question" onClose={close}>
      <form ref={form} onSubmit={submit} onInput={look}>
        <h2 id="question">{title}</h2>
        {children}
        {timed && <p><label>It holds <select name="for">{terms.map(([name, value]) => <option key={value} value={value}>{name}</option>)}</select></label></p>}
        {effects}
        {trouble && <p class="error" role="alert">{trouble}</p>}
        <p class="choice"><button disabled={busy || !ready}>{verb}</button><button type="button" autofocus onClick={close}>Cancel</button></p>
      </form>
    </dialog>
  )
}
