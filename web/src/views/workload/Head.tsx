// The figures of a workload at a glance, and the warning that it falls back to the node role.
import { Link } from 'react-router'
import type { Schemas } from '../../api/client'
import { Age, Confidence, Role, Tile, Time } from '../../components/basics'
import { count, counted } from '../../format'
import { useCarry } from '../../state/url'
import { CAUSES } from '../../terms'
import { AccessPaths } from '../workloads/parts'
import { latest, sum } from '../workloads/uses'

export function Head({ answer }: { answer: Schemas['Workload'] }) {
  const paths = [...new Set(answer.actions.map((row) => row.access_path ?? 'unknown'))].toSorted((a, b) => a.localeCompare(b, 'en'))
  // A call that no role is known of, such as one to assume the first, is of none.
  const roles = new Set(answer.actions.flatMap((row) => row.role_arn ?? [])).size
  const assumed = new Set(answer.roles.flatMap((row) => ((row.hops ?? 0) > 0 ? (row.role_arn ?? []) : []))).size
  const denied = sum(answer.actions.map((row) => row.denied))
  const last = latest(answer.actions.map((row) => row.last_seen))
  return (
    <div className="tiles">
      <Tile
        name="Access paths"
        figure={
          paths.length === 0 ? (
            'none'
          ) : (
            <span className="tile-paths">
              <AccessPaths values={paths} />
            </span>
          )
        }
      />
      <Tile name="Roles" figure={count(roles)} note={assumed === 0 ? 'none was assumed' : `${count(assumed)} of them assumed`} />
      <Tile
        name="Calls"
        figure={count(sum(answer.actions.map((row) => row.calls)))}
        note={counted(new Set(answer.actions.map((row) => `${row.event_source}:${row.event_name}`)).size, 'different action')}
      />
      <Tile
        name="Denied calls"
        figure={count(denied)}
        note={denied === 0 ? 'none was refused' : 'see the tab Denied'}
        {...(denied === 0 ? {} : { tone: 'bad' as const })}
      />
      <Tile
        name="Last use"
        figure={last === null ? '–' : <Age value={last} />}
        note={
          last === null ? (
            'no call in this time range'
          ) : (
            <>
              <Time value={last} /> UTC
            </>
          )
        }
      />
    </div>
  )
}

/** Fallbacks shown at the head; the page of fallbacks has all. */
const MOST = 3

/** Says that it falls back to the node role and why, leading to the evidence and the fix. */
export function FallbackWarning({ rows }: { rows: readonly Schemas['FallbackRow'][] }) {
  const to = useCarry()
  const [first] = rows
  if (first === undefined) {
    return null
  }
  const all = to('/fallbacks', { cluster: first.cluster, namespace: first.namespace, service_account: first.service_account })
  return (
    <section className="workload-warning" aria-label="Falls back to the node role">
      <ul>
        {rows.slice(0, MOST).map((row) => (
          <Fallback key={row.id} row={row} />
        ))}
      </ul>
      {rows.length > MOST && (
        <p>
          <Link to={all}>All {counted(rows.length, 'fallback')}</Link>
        </p>
      )}
    </section>
  )
}

function Fallback({ row }: { row: Schemas['FallbackRow'] }) {
  const to = useCarry()
  const cause = CAUSES[row.cause ?? 'unknown']
  const isGuess = row.confidence === 'candidate' || row.confidence === 'unknown'
  return (
    <li>
      <div>
        <strong>
          {row.workload ?? 'One of its pods'} {isGuess ? 'probably falls' : 'falls'} back to node role <Role arn={row.role_arn} />:{' '}
          {cause?.name ?? row.cause}
        </strong>{' '}
        <Confidence value={row.confidence} />
        <p>
          {cause?.meaning} {counted(row.calls ?? 0, 'call')}, the last <Time value={row.last_seen} /> UTC.
        </p>
      </div>
      <Link className="button small" to={to('/fallbacks', { open: row.id })}>
        Evidence and fix
      </Link>
    </li>
  )
}
