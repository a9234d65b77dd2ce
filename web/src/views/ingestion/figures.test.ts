import { describe, expect, it } from 'vitest'
import { byDigest, dayBefore, readGaps, shell, storeDays, strip, totals, trailFolder, trails } from './figures'
import { digestWord, wordOf, STATUSES } from './terms'

const source = {
  source: 's',
  prefix: 's3://audit/org/AWSLogs/111122223333/CloudTrail/eu-west-1',
  status: 'ok' as string | null,
  digest_status: null as string | null,
  objects: 2,
  bytes: 10,
  inflated_bytes: 20,
  records: 5,
  new_events: 4,
  duplicates: 1,
  rejected: 0 as number | null,
  first_event_time: null,
  last_event_time: null,
  first_ingested_at: '2026-05-01T00:00:00Z',
  last_ingested_at: '2026-05-01T00:00:00Z' as string | null,
  error: null,
}

describe('sources', () => {
  it('are added up', () => {
    const all = totals([source, { ...source, status: 'unreadable', objects: 3, rejected: null, last_ingested_at: '2026-05-02T00:00:00Z' }])
    expect(all).toMatchObject({ objects: 5, unreadable: 3, bytes: 20, records: 10, new_events: 8, duplicates: 2, rejected: 0, last_ingested_at: '2026-05-02T00:00:00Z' })
    expect(totals([]).last_ingested_at).toBeNull()
  })
  it('are counted by digest status, without what could not be read', () => {
    expect(byDigest([source, { ...source, digest_status: 'valid', objects: 7 }, { ...source, status: 'unreadable' }])).toEqual([
      { status: 'valid', objects: 7 },
      { status: null, objects: 2 },
    ])
  })
  it('tell the places of trails, each once', () => {
    expect(trails([source, source, { ...source, prefix: '/copy/AWSLogs' }, { ...source, prefix: 'lookup://eu-west-1' }])).toEqual(['s3://audit/org', '/copy'])
  })
})

describe('a folder', () => {
  it('of a trail tells account, region and place', () => {
    expect(trailFolder('s3://audit/AWSLogs/o-abc1/111122223333/CloudTrail/eu-west-1')).toEqual({ account: '111122223333', region: 'eu-west-1', place: 's3://audit' })
    expect(trailFolder('s3://audit/AWSLogs/111122223333/CloudTrail/eu-west-1/2026')).toBeNull()
    expect(trailFolder(null)).toBeNull()
  })
})

describe('days', () => {
  const row = { first_event_time: '2026-05-03T10:00:00Z', last_event_time: '2026-05-09T10:00:00Z', missing_days: '2026-05-05..2026-05-06 2026-05-10..2026-05-10' }
  it('span the store', () => {
    const rows = [row, { ...row, first_event_time: '2026-05-01T23:00:00Z', last_event_time: null }]
    expect(storeDays(rows)).toEqual({ first: '2026-05-01', last: '2026-05-09' })
    expect(storeDays([])).toBeNull()
  })
  it('fall into runs', () => {
    expect(strip(row, { first: '2026-05-01', last: '2026-05-10' })).toEqual({
      days: 10,
      runs: [
        { kind: 'before', from: 0, days: 2 },
        { kind: 'events', from: 2, days: 2 },
        { kind: 'missing', from: 4, days: 2 },
        { kind: 'events', from: 6, days: 3 },
        { kind: 'missing', from: 9, days: 1 },
      ],
    })
  })
  it('that are missing can be read by a command', () => {
    const gap = { recipient_account_id: '111122223333', aws_region: 'eu-west-1', missing_days: row.missing_days }
    expect(readGaps(gap, ['/copy', 's3://audit/org'])).toBe(
      'podtrail ingest s3://audit/org --account 111122223333 --region eu-west-1 --from 2026-05-05 --to 2026-05-10',
    )
    expect(readGaps(gap, [])).toContain('s3://BUCKET')
    expect(readGaps({ ...gap, missing_days: null }, [])).toBeNull()
    expect(dayBefore('2026-05-01')).toBe('2026-04-30')
  })
})

describe('words', () => {
  it('are there for every status, also for one that is new', () => {
    expect(digestWord(null).name).toBe('Not checked')
    expect(digestWord('log_altered').tone).toBe('bad')
    expect(digestWord('chain_broken')).toMatchObject({ name: 'chain broken', tone: 'bad' })
    expect(wordOf(STATUSES, 'ok').name).toBe('Read')
    expect(wordOf(STATUSES, 'half_read').name).toBe('half read')
  })
  it('are quoted for a shell where they have to be', () => {
    expect(shell('s3://audit/org')).toBe('s3://audit/org')
    expect(shell("/a b/it's")).toBe("'/a b/it'\\''s'")
  })
})
