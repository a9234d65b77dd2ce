// What was read into the store, what was refused, and what is missing.
import { MOST_ROWS, useApi } from '../api/queries'
import type { Schemas } from '../api/client'
import { Age, PageHead, Tile, Time } from '../components/basics'
import { Answer } from '../components/states'
import { bytes, count, counted, share } from '../format'
import { byDigest, totals, trails } from './ingestion/figures'
import { Batches } from './ingestion/Batches'
import { Digests } from './ingestion/Digests'
import { Gaps } from './ingestion/Gaps'
import { Rejects } from './ingestion/Rejects'
import { Runs } from './ingestion/Runs'
import { Sources } from './ingestion/Sources'
import './ingestion.css'

export default function IngestionView() {
  const ingestion = useApi('/api/v1/ingestion')
  const coverage = useApi('/api/v1/coverage', { query: { limit: MOST_ROWS } })
  return (
    <>
      <PageHead
        title="Ingestion"
        lead="What was read into the store, what was refused, and what is missing. It is about the whole store: time range and cluster do not apply."
      />
      <Answer query={ingestion} lines={8}>
        {(data) => (
          <div className="stack">
            <Totals data={data} />
            <Runs rows={data.schedules} />
            <Batches rows={data.batches} />
            <Sources rows={data.sources} cut={data.truncated.includes('sources')} />
            <Rejects rows={data.rejects} cut={data.truncated.includes('rejects')} />
          </div>
        )}
      </Answer>
      <Answer query={coverage} lines={6}>
        {(data) => (
          <div className="stack">
            <Gaps rows={data.items} places={trails(ingestion.data?.sources ?? [])} />
          </div>
        )}
      </Answer>
      {ingestion.data !== undefined && <Digests rows={ingestion.data.sources} covered={coverage.data?.items ?? []} />}
    </>
  )
}

function Totals({ data }: { data: Schemas['Ingestion'] }) {
  const all = totals(data.sources)
  const digests = byDigest(data.sources)
  const checked = digests.reduce((sum, one) => sum + one.objects, 0)
  const proven = digests.find((one) => one.status === 'valid')?.objects ?? 0
  const refused = data.rejects.reduce((sum, row) => sum + (row.rejected ?? 0), 0)
  const expected = data.rejects.reduce((sum, row) => sum + (row.reason === 'digest' ? (row.rejected ?? 0) : 0), 0)
  // Of lists that are cut the sums are the least that it can be.
  const more = (list: string) => (data.truncated.includes(list) ? '+' : '')
  const objects = more('sources')
  // Nothing that went wrong is good news only where something was read.
  const tone = all.objects === 0 ? undefined : 'good'
  return (
    <div className="tiles ingestion-tiles">
      <Tile name="Objects read" figure={`${count(all.objects)}${objects}`} note={`${bytes(all.bytes)}${objects} as stored`} />
      <Tile name="Records" figure={`${count(all.records)}${objects}`} note={`${count(all.new_events)}${objects} new events · ${count(all.duplicates)}${objects} duplicates`} />
      <Tile
        name="Rejected values"
        figure={`${count(refused - expected)}${more('rejects')}`}
        tone={refused > expected ? 'warn' : tone}
        note={`${refused === expected ? 'Nothing was refused' : 'By reason below'}${expected === 0 ? '' : `, besides ${counted(expected, 'digest file')}`}`}
      />
      <Tile
        name="Unreadable objects"
        figure={`${count(all.unreadable)}${objects}`}
        tone={all.unreadable > 0 ? 'bad' : tone}
        note={all.objects === 0 ? 'Nothing was read yet' : all.unreadable === 0 ? 'All could be read' : 'Tried again with the next run'}
      />
      <Tile name="Proven by digests" figure={share(proven, checked)} note={checked === 0 ? 'Nothing was read yet' : proven === 0 ? 'No log file was verified when it was read' : `${count(proven)} of ${count(checked)} objects`} />
      <Tile
        name="Since the last read"
        figure={all.last_ingested_at === null ? '–' : <Age value={all.last_ingested_at} bare />}
        note={
          all.last_ingested_at === null ? (
            'Nothing was read yet'
          ) : (
            <>
              <Time value={all.last_ingested_at} /> UTC
            </>
          )
        }
      />
    </div>
  )
}
