// What the digests of the trail prove of the log files that were read.
import type { Schemas } from '../../api/client'
import { Badge, Code, Panel } from '../../components/basics'
import { count, counted, share } from '../../format'
import { byDigest, shell, trails } from './figures'
import { digestWord } from './terms'

export function Digests({ rows }: { rows: readonly Schemas['IngestionRow'][] }) {
  const found = byDigest(rows)
  const objects = found.reduce((sum, one) => sum + one.objects, 0)
  const bad = found.reduce((sum, one) => sum + (digestWord(one.status).tone === 'bad' ? one.objects : 0), 0)
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
          {bad > 0 && (
            <p className="alarm" role="alert">
              {counted(bad, 'log file')} {bad === 1 ? 'is' : 'are'} not what CloudTrail delivered.
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
