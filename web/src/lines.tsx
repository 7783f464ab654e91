/** Lines are sentences of farmproxy's, under a heading. */
export function Lines({ title, lines }: { title: string; lines: string[] }) {
  if (lines.length === 0) return null
  return <><h3>{title}</h3><ul class="lines">{lines.map((l) => <li key={l} class={l.includes(' sends no job: ') ? 'bad' : ''}>{l.includes(' sends no job: ') && '✕ '}{l}</li>)}</ul></>
}
