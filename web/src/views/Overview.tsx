// The whole at a glance: who is on the node role, what could switch to hop limit 1, what is not known.
import { Link } from 'react-router'
import { Code, PageHead } from '../components/basics'
import { useCarry } from '../state/url'
import { Coverage } from './overview/Coverage'
import { HopLimit } from './overview/HopLimit'
import { PathChart } from './overview/PathChart'
import { Tiles } from './overview/Tiles'
import { TopFallbacks } from './overview/TopFallbacks'
import { Unattributed } from './overview/Unattributed'
import { useOverview } from './overview/useOverview'
import './overview.css'

export default function OverviewView() {
  const overview = useOverview()
  const empty = overview.coverage.data?.items.length === 0
  return (
    <>
      <PageHead title="Overview" lead="Which pods still use the role of their node, which node roles could switch to hop limit 1 today, and how much is known." />
      {empty ? (
        <FirstSteps />
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
