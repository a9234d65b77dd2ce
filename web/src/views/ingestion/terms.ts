// Words for what ingestion says of objects, values and digests.
import type { Tone } from '../../terms'

interface Word {
  name: string
  tone: Tone
  meaning: string
}

/** Status of an object. */
export const STATUSES: Record<string, Word> = {
  ok: { name: 'Read', tone: 'good', meaning: 'All of it was read.' },
  empty: { name: 'Empty', tone: 'mute', meaning: 'It holds no records.' },
  rejected: { name: 'Rejected', tone: 'warn', meaning: 'Some or all of it was refused; the rest was read. The reasons are under Rejects.' },
  unreadable: { name: 'Unreadable', tone: 'bad', meaning: 'It could not be read, and is tried again with the next run.' },
}

/** Result of a run. */
export const RESULTS: Record<string, Word> = {
  ok: { name: 'OK', tone: 'good', meaning: 'Everything was read.' },
  rejected: { name: 'Some input rejected', tone: 'warn', meaning: 'Some input was rejected or could not be read; the rest is in the store.' },
  failed: { name: 'Failed', tone: 'bad', meaning: 'It ended early, and is tried again with the next run.' },
}

/** Why a value was refused, and what to do where something can be done. */
export const REJECT_REASONS: Record<string, Word> = {
  truncated: { name: 'Truncated', tone: 'warn', meaning: 'The text or gzip stream ends early. Copy the object again, and read it again.' },
  corrupt_gzip: { name: 'Corrupt gzip', tone: 'warn', meaning: 'The gzip stream is damaged. Copy the object again, and read it again.' },
  decompression_bomb: { name: 'Decompression bomb', tone: 'bad', meaning: 'It inflates out of all proportion. CloudTrail writes no such file: find out who did.' },
  object_too_large: { name: 'Object too large', tone: 'warn', meaning: 'It inflates to more than 16 GiB. What came before the bound was read.' },
  record_too_large: { name: 'Record too large', tone: 'warn', meaning: 'A record is longer than 16 MiB; the others of the object were read.' },
  too_deep: { name: 'Too deep', tone: 'warn', meaning: 'A record is nested deeper than 128 levels; the others of the object were read.' },
  invalid_json: { name: 'Invalid JSON', tone: 'warn', meaning: 'The text is not JSON.' },
  invalid_utf8: { name: 'Invalid UTF-8', tone: 'warn', meaning: 'The text is not UTF-8.' },
  not_cloudtrail: { name: 'Not CloudTrail', tone: 'mute', meaning: 'JSON that holds no CloudTrail record: something else lies in the folder.' },
  digest: { name: 'Digest file', tone: 'mute', meaning: 'Digests lie in every trail with log file validation. They hold no records; podtrail verify reads them.' },
  s3_notification: { name: 'S3 notification', tone: 'mute', meaning: 'It names objects and holds no records. Read the queue as sqs://… instead.' },
  sns_notification: { name: 'SNS notification', tone: 'mute', meaning: 'It announces log files and holds no records. Read the queue as sqs://… instead.' },
  control_message: { name: 'Control message', tone: 'mute', meaning: 'A health check of a CloudWatch Logs subscription. Nothing is lost.' },
  other_cloud: { name: 'Other cloud', tone: 'mute', meaning: 'An audit record of another cloud than AWS.' },
  unsupported_archive: { name: 'Unsupported archive', tone: 'warn', meaning: 'A zip, zstd, Parquet or other container. Unpack it, and read what was in it.' },
}

const ALTERED = 'Altered, removed, added or moved since CloudTrail delivered it. Treat it as tampering until it is explained.'

/** What digests say of log files. */
export const DIGESTS: Record<string, Word> = {
  valid: { name: 'Proven', tone: 'good', meaning: 'A signed digest lists it with the same content.' },
  unproven: { name: 'Not proven', tone: 'warn', meaning: 'No digest that was seen speaks of it: newer than the last digest, or outside of the time that was verified.' },
  signature_unavailable: { name: 'Signature unavailable', tone: 'warn', meaning: 'Nothing gives the signature of its digest.' },
  gap: { name: 'No digest', tone: 'warn', meaning: 'No digest covers its time: validation was off, or digests are gone.' },
  public_key_unknown: { name: 'Key unknown', tone: 'warn', meaning: 'The key that signed its digest is not known. Give --keys with the output of aws cloudtrail list-public-keys.' },
  unreadable: { name: 'Unreadable', tone: 'warn', meaning: 'It could not be read to be verified.' },
  log_altered: { name: 'Altered', tone: 'bad', meaning: ALTERED },
  log_missing: { name: 'Missing', tone: 'bad', meaning: ALTERED },
  log_moved: { name: 'Moved', tone: 'bad', meaning: ALTERED },
  log_unlisted: { name: 'Added', tone: 'bad', meaning: ALTERED },
}

export const NOT_CHECKED: Word = { name: 'Not checked', tone: 'mute', meaning: 'It was read without --verify.' }

/** The word for a digest status; null is one that was not asked for. */
export function digestWord(status: string | null): Word {
  return status === null ? NOT_CHECKED : (DIGESTS[status] ?? { name: status.replaceAll('_', ' '), tone: 'bad', meaning: ALTERED })
}

/** The word for a value, or the value itself where it is a new one. */
export function wordOf(words: Record<string, Word>, value: string | null | undefined): Word {
  const known = value === null || value === undefined ? undefined : words[value]
  return known ?? { name: value?.replaceAll('_', ' ') ?? '–', tone: 'mute', meaning: '' }
}
