import { useEffect, useState } from 'preact/hooks'
import { Lines } from './lines'
import { change, type Change, type Lists, type Overlay, type Problem } from './overlay'
import { message, open } from './question'

/** Fill is what a form gets: where it sends lists, and what was wrong with the last ones. */
export interface Fill { submit: (lists: Lists) => void; problems: Problem[]; busy: boolean }

interface Wanted {
  title: string
  now: Overlay
  lists?: Lists | null // what is wanted; null: the file's; undefined: what the form says
  form?: (f: Fill) => preact.ComponentChildren
  close: (done: boolean) => void
}

/** ChangeDialog sets pools and routes: it asks farmproxy first what a change would do, shows that, and asks once. */
export function ChangeDialog({ title, now, lists, form, close }: Wanted) {
  const [wanted, setWanted] = useState(lists)
  const [would, setWould] = useState<Change | null>(null)
  const [problems, setProblems] = useState<Problem[]>([])
  const [busy, setBusy] = useState(false)
  const cautiously = async (f: () => Promise<void>) => {
    setBusy(true)
    setProblems([])
    try {
      await f()
    } catch (e) {
      setProblems([{ key: '', text: message(e) }])
    }
    setBusy(false)
  }
  const propose = (l: Lists | null) => cautiously(async () => {
    setWanted(l)
    const c = await change(now, l, true)
    if (c.problems.length > 0) setProblems(c.problems)
    else setWould(c)
  })
  const go = () => cautiously(async () => {
    const c = await change(now, wanted!, false)
    if (c.problems.length > 0) setProblems(c.problems)
    else close(true)
  })
  useEffect(() => { if (lists !== undefined) propose(lists) }, [])
  return (
    <dialog ref={open} aria-labelledby="change" onClose={() => close(false)}>
      <h2 id="change">{title}</h2>
      {form && <div hidden={would !== null}>{form({ submit: propose, problems, busy })}</div>}
      {busy && <p role="status">Asking farmproxy, and the pools that are new: this takes up to 12 s.</p>}
      {(!form || would) && problems.map((p) => <p key={p.text} class="error" role="alert">{p.text}</p>)}
      {would && <Consequences {...would} />}
      <p class="choice">
        {would && <button type="button" disabled={busy || would.changes.length === 0} onClick={go}>Set it</button>}
        {would && form && <button type="button" onClick={() => { setWould(null); setProblems([]) }}>Back</button>}
        <button type="button" onClick={() => close(false)}>Cancel</button>
      </p>
    </dialog>
  )
}

/** Consequences are what a change would do. */
function Consequences({ changes, effects, offers, warnings }: Change) {
  if (changes.length === 0) return <p role="status">Nothing would change.</p>
  return (
    <div role="status">
      <Lines title="What it does" lines={effects} />
      <Lines title="What the pools answer" lines={offers} />
      <Lines title="Warnings" lines={warnings} />
      <Lines title="What changes" lines={changes} />
    </div>
  )
}
