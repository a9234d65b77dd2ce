// The whole at a glance: who is on the node role, what could switch to hop limit 1, what is not known.
import { Link } from 'react-router'
import { Code, PageHead, Time } from '../components/basics'
import { Empty } from '../components/states'
import { isBackwards } from '../state/time'
import { useCarry } from '../state/url'
import { Coverage } from './overview/Coverage'
import { HopLimit } from './overview/HopLimit'
import { PathChart } from './overview/PathChart'
import { Tiles } from './overview/Tiles'
import { TopFallbacks } from './overview/TopFallbacks'
import { Unattributed } from './overview/Unattributed'
import { isWithoutCalls, isWithoutEvents, storeSpan, useOverview, type Overview as OverviewData } from './overview/useOverview'
import './overview.css'

export default function OverviewView() {
  const overview = useOverview()
  const covered = overview.coverage.data?.items
  const empty = covered !== undefined && isWithoutEvents(covered)
  const narrowed = Object.keys(overview.filters).length > 0
  const backwards = isBackwards(overview.filters.from ?? null, overview.filters.to ?? null)
  return (
    <>
      <PageHead title="Overview" lead="Which pods still use the role of their node, which node roles could switch to hop limit 1 today, and how much is known." />
      {empty ? (
        <>
          <FirstSteps />
          {covered.length > 0 && <Coverage overview={overview} />}
        </>
      ) : backwards ? (
        <>
          <div className="panel">
            <Empty title="The time range ends before it begins." />
          </div>
          <Coverage overview={overview} />
        </>
      ) : narrowed && isWithoutCalls(overview) ? (
        <>
          <NoCalls overview={overview} />
          <Coverage overview={overview} />
        </>
      ) : (
        <>
          <Tiles overview={overview} />
          <PathChart overview={overview} />
          <div className="grid">
            <TopFallbacks overview={overview} />
            <HopLimit overview={overview} />
          </div>
          <Unattributed overview={overview} />
          <Coverage overview={overview} />
        </>
      )}
    </>
  )
}

/** The one thing to say where nothing falls into the time range and cluster chosen: figures of nothing look like good news. */
function NoCalls({ overview }: { overview: OverviewData }) {
  const to = useCarry()
  const { first, last } = storeSpan(overview.coverage.data?.items ?? [])
  const { cluster, from, to: until } = overview.filters
  const ranged = from !== undefined || until !== undefined
  return (
    <div className="panel">
      <Empty title={`No calls${cluster === undefined ? '' : ` of cluster ${cluster}`}${ranged ? ' in this time range' : ''}.`}>
        {first !== null && last !== null && (
          <p>
            The store has events from <Time value={new Date(first).toISOString()} /> to <Time value={new Date(last).toISOString()} /> UTC.
          </p>
        )}
        <p>
          Whether node roles could switch to hop limit 1 rests on all of them: <Link to={to('/readiness')}>Readiness</Link>.
        </p>
      </Empty>
    </div>
  )
}

/** What to do with a store that is empty. */
function FirstSteps() {
  const to = useCarry()
  return (
    <div className="state panel">
      <h2>The store has no events yet.</h2>
      <p>Read a trail, then the inventory of a cluster:</p>
      <Code
        label="First commands"
        text={'podtrail ingest s3://BUCKET/AWSLogs/\npodtrail inventory collect'}
      />
      <p className="soft">
        The first run reads the last 7 days. What was read, and what went wrong, is on <Link to={to('/ingestion')}>Ingestion</Link>.
      </p>
    </div>
  )
}
