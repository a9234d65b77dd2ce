// The figures that answer most: how much is known, who is on the node role, what could switch, how fresh.
import type { ReactNode } from 'react'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ApiError } from '../../api/client'
import { Age, Tile, Time } from '../../components/basics'
import { count, counted, share } from '../../format'
import { useNow } from '../../state/now'
import { useCarry } from '../../state/url'
import type { Tone } from '../../terms'
import { whoFalls, whoFallsText } from '../fallbacks/fallback'
import { storeSpan, type Overview } from './useOverview'
import { verdicts } from './words'

interface Figure {
  figure: ReactNode
  note: ReactNode
  tone?: Tone
}

/** A tile of an answer: waits, or says that it failed, where there is none. */
function Asked<Data>({ name, query, to, children }: { name: string; query: UseQueryResult<Data, ApiError>; to?: string; children: (data: Data) => Figure }) {
  if (query.data === undefined) {
    return query.error === null ? (
      <Tile name={name} figure={<span className="skeleton tile-wait" role="status" aria-label={`Loading ${name}`} />} note="&nbsp;" to={to} />
    ) : (
      <Tile name={name} figure="–" note={`Could not be read: ${query.error.message}`} to={to} />
    )
  }
  return <Tile name={name} to={to} {...children(query.data)} />
}

/** Beyond this age the newest event is worth a look at what reads events in. */
const STALE_MS = 24 * 3_600_000

export function Tiles({ overview }: { overview: Overview }) {
  const to = useCarry()
  const now = useNow()
  const { filters, summary, fallbacks, readiness, coverage, rows, timeline } = overview
  const during = filters.from === undefined && filters.to === undefined ? '' : ' in this time range'
  const others = filters.cluster === undefined ? '' : ', of all clusters'
  return (
    <div className="tiles overview-tiles">
      {filters.cluster === undefined ? (
        <Asked name="Calls in the time range" query={summary}>
          {(data) => ({
            figure: count(data.calls),
            note: `${share(data.attributed_calls, data.calls)} attributed to an identity of a cluster`,
          })}
        </Asked>
      ) : (
        <Asked name="Calls in the time range" query={rows}>
          {({ cut }) => ({ figure: `${count(timeline.calls)}${cut ? '+' : ''}`, note: `by identities of ${filters.cluster}` })}
        </Asked>
      )}
      <Asked name="Workloads on node role" query={fallbacks} to={to('/fallbacks')}>
        {(data) => {
          const calls = data.items.reduce((sum, row) => sum + (row.calls ?? 0), 0)
          const { workloads, unknown } = whoFalls(data.items)
          if (data.items.length === 0) {
            // Of a time range alone it is no good news: node roles are judged on all time.
            return { figure: '0', note: `No pod was seen to use it${during}`, ...(during === '' ? { tone: 'good' as const } : {}) }
          }
          return {
            figure: `${count(workloads)}${data.next_token === null ? '' : '+'}`,
            tone: workloads === 0 ? 'warn' : 'bad',
            note: `${unknown === 0 ? '' : `and ${whoFallsText({ workloads: 0, unknown })} · `}${counted(calls, 'call')}${during === '' ? '' : ' of all time'}`,
          }
        }}
      </Asked>
      <Asked name="Safe for hop limit 1" query={readiness} to={to('/readiness')}>
        {(data) => {
          const found = verdicts(data.items)
          const all = data.items.length
          return {
            figure: all === 0 ? '–' : `${count(found.safe)} of ${count(all)}`,
            tone: all > 0 && found.safe === all ? 'good' : found.breaks > 0 ? 'bad' : 'warn',
            note: all === 0 ? 'No node role is known yet' : `${counted(found.breaks, 'node role')} would break workloads · ${count(found.unknown)} unknown${during === '' ? '' : ' · of all time'}`,
          }
        }}
      </Asked>
      <Asked name="Unattributed calls" query={summary}>
        {(data) => ({
          figure: share(data.calls - data.attributed_calls, data.calls),
          note: `${counted(data.calls - data.attributed_calls, 'call')} that no identity of a cluster made${others}`,
        })}
      </Asked>
      <Asked name="Newest event" query={coverage} to={to('/ingestion')}>
        {(data) => {
          const { last } = storeSpan(data.items)
          if (last === null) {
            return { figure: '–', note: 'The store has no events' }
          }
          const time = new Date(last).toISOString()
          return {
            figure: <Age value={time} />,
            ...(now - last > STALE_MS ? { tone: 'warn' as const } : {}),
            note: (
              <>
                <Time value={time} /> UTC, of the whole store
              </>
            ),
          }
        }}
      </Asked>
    </div>
  )
}
