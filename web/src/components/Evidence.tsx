// Facts that an attribution rests on: each opens the record, or the inventory row, that it is from.
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { useMaySql } from '../api/queries'
import { json } from '../format'
import { useCarry } from '../state/url'
import { EventLink } from './basics'
import { sourcesOf, type About, type Source } from './sources'

/** A fact, as column `evidence` has it. Other members name rows of the inventory. */
export interface Fact {
  fact: string
  detail?: string | null
  event_id?: string | null
  /** Where it is from, where whoever makes the fact knows that. */
  sources?: readonly Source[]
  [other: string]: unknown
}

export function facts(evidence: string | null | undefined): Fact[] {
  const list = json<Fact[]>(evidence)
  return Array.isArray(list) ? list : []
}

const OWN = ['fact', 'detail', 'event_id', 'event', 'sources']

export function Evidence({
  list,
  about,
  renderMore,
}: {
  list: readonly Fact[]
  /** Whom or what it is about: that decides which rows of the inventory a fact is from. */
  about: About
  /** What a view adds to a fact. */
  renderMore?: (fact: Fact) => ReactNode
}) {
  if (list.length === 0) {
    return <p className="soft">No evidence is recorded.</p>
  }
  return (
    <ul className="evidence">
      {list.map((fact) => {
        const others = Object.entries(fact).filter(([name, value]) => !OWN.includes(name) && value !== null)
        return (
          <li key={JSON.stringify(fact)}>
            <strong>{fact.fact.replaceAll('_', ' ')}</strong>
            {fact.detail !== null && fact.detail !== undefined && <p>{fact.detail}</p>}
            {others.length > 0 && (
              <p className="soft small mono">{others.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' · ')}</p>
            )}
            {renderMore?.(fact)}
            {fact.event_id !== null && fact.event_id !== undefined && (
              <p className="small">
                Event <EventLink id={fact.event_id} />
              </p>
            )}
            <Sources list={sourcesOf(fact, about, list)} />
          </li>
        )
      })}
    </ul>
  )
}

function Sources({ list }: { list: readonly Source[] }) {
  const to = useCarry()
  const maySql = useMaySql()
  if (list.length === 0) {
    return null
  }
  return (
    <ul className="sources small">
      {list.map(({ label, path, extra }) => (
        <li key={label}>
          {path === '/sql' && maySql === false ? (
            <span className="soft" title="Your token does not have the scope sql">
              {label}
            </span>
          ) : (
            <Link to={to(path, extra)}>{label}</Link>
          )}
        </li>
      ))}
    </ul>
  )
}
