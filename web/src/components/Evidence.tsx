// Facts that an attribution rests on: each opens the record, or the inventory row, that it is from.
import type { ReactNode } from 'react'
import { json } from '../format'
import { EventLink } from './basics'

/** A fact, as column `evidence` has it. Other members name rows of the inventory. */
export interface Fact {
  fact: string
  detail?: string | null
  event_id?: string | null
  [other: string]: unknown
}

export function facts(evidence: string | null | undefined): Fact[] {
  const list = json<Fact[]>(evidence)
  return Array.isArray(list) ? list : []
}

export function Evidence({
  list,
  renderMore,
}: {
  list: readonly Fact[]
  /** What a view adds to a fact, such as where its inventory row is shown. */
  renderMore?: (fact: Fact) => ReactNode
}) {
  if (list.length === 0) {
    return <p className="soft">No evidence is recorded.</p>
  }
  return (
    <ul className="evidence">
      {list.map((fact) => {
        const others = Object.entries(fact).filter(([name, value]) => !['fact', 'detail', 'event_id', 'event'].includes(name) && value !== null)
        return (
          <li key={JSON.stringify([fact.fact, fact.detail, fact.event_id])}>
            <strong>{fact.fact.replaceAll('_', ' ')}</strong>
            {fact.detail !== null && fact.detail !== undefined && <p>{fact.detail}</p>}
            {others.length > 0 && (
              <p className="soft small mono">{others.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' · ')}</p>
            )}
            {fact.event_id !== null && fact.event_id !== undefined && (
              <p className="small">
                Event <EventLink id={fact.event_id} />
              </p>
            )}
            {renderMore?.(fact)}
          </li>
        )
      })}
    </ul>
  )
}
