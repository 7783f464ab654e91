import { type Problem } from './overlay'

interface Input {
  name: string
  hint: string
  value: string
  id?: string // unless the form has this name once
  type?: 'password'
  list?: string // the id of a list of suggestions
  set?: (value: string) => void // what becomes of the value is somebody else's; without it, the field's
  problems: Problem[]
}

/** Field is a key of the file, with what it means, and what is wrong with it. */
export function Field({ name, hint, value, id = 'key-' + name, type, list, set, problems }: Input) {
  const about = 'about-' + id
  const same = {
    id, name, 'aria-describedby': about, 'aria-invalid': problems.length > 0,
    value: set && value, defaultValue: set ? undefined : value, onInput: set && ((e: { currentTarget: HTMLInputElement }) => set(e.currentTarget.value)),
  }
  return (
    <div>
      <label for={id}>{name}</label>
      {type === 'password' ? <input {...same} type="password" autocomplete="new-password" /> : <input {...same} list={list} autocomplete="off" spellcheck={false} />}
      <About id={about} hint={hint} problems={problems} />
    </div>
  )
}

/** Choice is a key of the file with one of some values. */
export function Choice({ name, hint, value, options, problems }: Input & { options: string[] }) {
  const id = 'key-' + name, about = 'about-' + id
  return (
    <div>
      <label for={id}>{name}</label>
      <select id={id} name={name} aria-describedby={about}>{options.map((o) => <option key={o} selected={o === value}>{o}</option>)}</select>
      <About id={about} hint={hint} problems={problems} />
    </div>
  )
}

function About({ id, hint, problems }: { id: string; hint: string; problems: Problem[] }) {
  return <span id={id}><small>{hint}</small>{problems.map((p) => <span key={p.text} class="error" role="alert">{p.text}</span>)}</span>
}
