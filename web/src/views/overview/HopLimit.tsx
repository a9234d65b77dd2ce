// Whether each node role could switch to IMDS hop limit 1, and what stands in the way.
import { Link } from 'react-router'
import type { Schemas } from '../../api/client'
import { Badge, Panel, Run } from '../../components/basics'
import { Answer, Empty } from '../../components/states'
import { arnName, count, counted } from '../../format'
import { useCarry } from '../../state/url'
import { HOP_LIMIT } from '../../terms'
import { Gaps } from '../readiness/Gaps'
import { gaps, namesThatBreak, whatBreaks } from '../readiness/readiness'
import type { Overview } from './useOverview'
import { couldSwitch, done } from './words'

type Row = Schemas['ReadinessRow']

const SHOWN = 6
const NAMED = 6
/** Those that could switch first: they are what to do today. */
const ORDER = ['safe', 'unknown', 'breaks']

export function HopLimit({ overview }: { overview: Overview }) {
  const to = useCarry()
  const ranged = overview.filters.from !== undefined || overview.filters.to !== undefined
  return (
    <Panel
      title="Hop limit 1 by node role"
      note={`Would pods lose credentials if IMDS answered the node alone? ${ranged ? 'Judged on all that was observed: the time range does not apply.' : ''}`}
      className="span-5"
    >
      <Answer query={overview.readiness} lines={6}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="No node role is known.">
              <p className="soft">Node roles show by their calls, and in the inventory: run</p>
              <Run command="podtrail inventory collect" />
            </Empty>
          ) : (
            <>
              <p className="verdict-line">{couldSwitch(data.items)}</p>
              <ul className="verdicts">
                {data.items
                  .toSorted((a, b) => ORDER.indexOf(a.hop_limit_1 ?? 'unknown') - ORDER.indexOf(b.hop_limit_1 ?? 'unknown'))
                  .slice(0, SHOWN)
                  .map((row) => (
                    <Verdict key={`${row.cluster ?? ''} ${row.role_arn ?? ''}`} row={row} />
                  ))}
              </ul>
              {data.items.length > SHOWN && (
                <p>
                  <Link to={to('/readiness')}>All {counted(data.items.length, 'node role')}</Link>
                </p>
              )}
            </>
          )
        }
      </Answer>
    </Panel>
  )
}

function Verdict({ row }: { row: Row }) {
  const to = useCarry()
  const verdict = HOP_LIMIT[row.hop_limit_1 ?? 'unknown'] ?? HOP_LIMIT.unknown
  const page = to('/readiness', { cluster: row.cluster, role_arn: row.role_arn })
  const closed = row.closed_instances ?? 0
  const running = row.running_instances ?? 0
  return (
    <li>
      <div className="row spread">
        <Link to={page} title={row.role_arn ?? ''}>
          {row.nodegroups === null || row.nodegroups === '' ? arnName(row.role_arn) : row.nodegroups}
        </Link>
        <Badge tone={verdict?.tone ?? 'warn'} title={verdict?.meaning ?? ''}>
          {verdict?.name ?? 'Unknown'}
        </Badge>
      </div>
      <p className="soft small">
        {row.cluster ?? 'cluster not known'} · {counted(running, 'running instance')}
        {closed > 0 ? `, ${count(closed)} at hop limit 1 already` : ''}
      </p>
      {row.hop_limit_1 === 'breaks' && <Breaks row={row} />}
      <NotObserved row={row} />
      {row.hop_limit_1 === 'safe' && (
        <p className="small">
          {done(row) ? (
            'All running instances have it already.'
          ) : (
            <Link to={page}>What to run to switch</Link>
          )}
        </p>
      )}
    </li>
  )
}

/** What was not looked at; where that is all that is in the way, also what to do. */
function NotObserved({ row }: { row: Row }) {
  const found = gaps(row)
  if (found.length === 0) {
    return null
  }
  return (
    <div className="small">
      <span className="soft">Not observed:</span>
      <Gaps list={found} advise={row.hop_limit_1 === 'unknown'} />
    </div>
  )
}

function Breaks({ row }: { row: Row }) {
  // The verdict is of all time: the link leaves the time range behind.
  const to = useCarry()
  const { workloads } = namesThatBreak(row)
  const names = workloads.slice(0, NAMED)
  return (
    <p className="small">
      <Link to={to('/fallbacks', { cluster: row.cluster, role_arn: row.role_arn, from: null, to: null })}>{whatBreaks([row]).text}</Link> would break
      {names.length > 0 && `${names.length < workloads.length ? ', among them ' : ': '}${names.join(', ')}`}. Fix them first, then switch.
    </p>
  )
}
