// What the digests of the trail prove of the log files that were read.
import { Link } from 'react-router'
import type { Schemas } from '../../api/client'
import { Badge, Code, Panel } from '../../components/basics'
import { count, share } from '../../format'
import { useCarry } from '../../state/url'
import { rowsOf } from '../../statements'
import { faults, faultText } from '../overview/words'
import { byDigest, shell, trails } from './figures'
import { digestWord } from './terms'

/** What digests say of each file that is not as delivered, and of others. */
const STATUSES_OF_FILES = rowsOf('digest_statuses', {}, 'status, object')

/** `covered` has also what was never read: a log file that is missing is no object. */
export function Digests({ rows, covered }: { rows: readonly Schemas['IngestionRow'][]; covered: readonly Schemas['CoverageRow'][] }) {
  const to = useCarry()
  const found = byDigest(rows)
  const objects = found.reduce((sum, one) => sum + one.objects, 0)
  const bad = found.reduce((sum, one) => sum + (digestWord(one.status).tone === 'bad' ? one.objects : 0), 0)
  const { missing, altered } = faults(covered)
  const wrong = faultText({ missing, altered: Math.max(altered, bad) })
  const places = trails(rows)
  const place = places.find((one) => one.startsWith('s3://')) ?? places[0] ?? 's3://BUCKET'
  const s3 = place.startsWith('s3://') ? place : 's3://BUCKET'
  return (
    <Panel
      title="Digest validation"
      note="CloudTrail signs digests of its log files, where log file validation is on. They prove that none was altered, removed or added."
    >
      <div className="two-columns">
        <div className="section">
          {wrong !== null && (
            <p className="alarm" role="alert">
              Not what CloudTrail delivered: {wrong}. <Link to={to('/sql', { q: STATUSES_OF_FILES })}>File by file, by SQL</Link>
            </p>
          )}
          <ul className="digests">
            {found.map((one) => {
              const word = digestWord(one.status)
              return (
                <li key={one.status ?? ''}>
                  <Badge tone={word.tone}>{word.name}</Badge>
                  <strong>{count(one.objects)}</strong>
                  <span className="soft">{share(one.objects, objects)} of the objects read</span>
                  <p className="soft small">{word.meaning}</p>
                </li>
              )
            })}
          </ul>
          {found.length === 0 && <p className="soft">Nothing was read yet.</p>}
        </div>
        <div className="section">
          <p>Check the whole trail now; what is wrong is printed, file by file:</p>
          <Code label="Command that verifies the trail" text={`podtrail verify ${shell(place)}`} />
          <p>Check what is read from now on, and keep the result here:</p>
          <Code label="Command that verifies while reading" text={`podtrail ingest ${shell(s3)} --verify`} />
        </div>
      </div>
    </Panel>
  )
}
