import { describe, expect, it } from 'vitest'
import { couldSwitch, done, fallbackDetail, fallbackName, faults, faultText, lengthWords, missingDays, missingWords, stretches, stretchWords, verdicts } from './words'

const fallback = { cluster: 'myeks', namespace: 'shop', service_account: 'default', workload: 'Deployment/orders', component: null, candidates: null }

describe('a fallback', () => {
  it('is named by its workload, its service account, its program, or not at all', () => {
    expect(fallbackName(fallback)).toBe('shop/orders')
    expect(fallbackName({ ...fallback, workload: null })).toBe('shop/default')
    expect(fallbackName({ ...fallback, namespace: null, workload: null, component: 'external-dns' })).toBe('external-dns')
    expect(fallbackName({ ...fallback, namespace: null, service_account: null, workload: null })).toBe('Unknown pod')
  })
  it('says its kind and service account, or how many pods fit', () => {
    expect(fallbackDetail(fallback)).toBe('Deployment · service account default · myeks')
    expect(fallbackDetail({ ...fallback, service_account: 'orders' })).toBe('Deployment · myeks')
    expect(fallbackDetail({ ...fallback, namespace: null, service_account: null, workload: null, candidates: '[{},{}]' })).toBe('2 candidates · myeks')
    expect(fallbackDetail({ ...fallback, namespace: null, service_account: null, workload: null })).toBe('no candidates · myeks')
  })
})

describe('readiness', () => {
  it('counts verdicts; one that is not known counts as unknown', () => {
    expect(verdicts([{ hop_limit_1: 'safe' }, { hop_limit_1: 'breaks' }, { hop_limit_1: null }])).toEqual({ safe: 1, breaks: 1, unknown: 1 })
  })
  it('says how many could switch, and how many have it', () => {
    const open = { running_instances: 2, closed_instances: 1 }
    const safe = { ...open, hop_limit_1: 'safe' }
    const breaks = { ...open, hop_limit_1: 'breaks' }
    const closed = { running_instances: 2, closed_instances: 2, hop_limit_1: 'safe' }
    expect(couldSwitch([breaks, breaks])).toBe('None of the 2 node roles could switch today.')
    expect(couldSwitch([safe, breaks, breaks])).toBe('1 of 3 node roles could switch today.')
    expect(couldSwitch([safe, closed, breaks])).toBe('1 of 3 node roles could switch today. 1 has it already.')
    expect(couldSwitch([safe, safe])).toBe('All 2 node roles could switch today.')
    expect(couldSwitch([closed, closed])).toBe('All 2 node roles have it already.')
    expect(couldSwitch([breaks])).toBe('The node role could not switch today.')
  })
  it('is done where every running instance is closed', () => {
    expect(done({ running_instances: 2, closed_instances: 2 })).toBe(true)
    expect(done({ running_instances: 2, closed_instances: 1 })).toBe(false)
    expect(done({ running_instances: 0, closed_instances: 0 })).toBe(false)
  })
})

describe('missing days', () => {
  it('are counted, with both ends', () => {
    expect(missingDays('2026-05-02..2026-05-02 2026-05-05..2026-05-07')).toEqual([
      { from: '2026-05-02', to: '2026-05-02', days: 1 },
      { from: '2026-05-05', to: '2026-05-07', days: 3 },
    ])
    expect(missingDays(null)).toEqual([])
  })
  it('are said in words', () => {
    expect(missingWords('2026-05-02..2026-05-02 2026-05-05..2026-05-07')).toBe('4 days missing: 2026-05-02, 2026-05-05 to 2026-05-07')
    expect(missingWords(null)).toBeNull()
  })
})

const hour = (from: number, to: number) => `2026-03-01T0${from}:00:00Z..2026-03-01T0${to}:00:00Z`

describe('proven time', () => {
  it('counts once what several trails prove', () => {
    const found = stretches(`${hour(3, 5)} ${hour(0, 2)} ${hour(1, 3)} ${hour(7, 8)}`)
    expect(lengthWords(found)).toBe('6 h')
    expect(stretchWords(found)).toBe('2026-03-01 00:00:00 to 2026-03-01 05:00:00, 2026-03-01 07:00:00 to 2026-03-01 08:00:00 UTC')
  })
  it('is none where nothing is told, or nothing that can be read', () => {
    expect(stretches(null)).toEqual([])
    expect(stretches('sometime ..2026-03-01T00:00:00Z')).toEqual([])
    expect(lengthWords([])).toBe('0 s')
  })
})

describe('what is not as delivered', () => {
  it('is that of all accounts and regions', () => {
    const rows = [
      { missing_log_files: 1, altered_log_files: null },
      { missing_log_files: 1, altered_log_files: 1 },
    ]
    expect(faults(rows)).toEqual({ missing: 2, altered: 1 })
    expect(faultText(faults(rows))).toBe('2 log files missing, 1 log file altered, moved or added')
    expect(faultText({ missing: 0, altered: 2 })).toBe('2 log files altered, moved or added')
    expect(faultText(faults([]))).toBeNull()
  })
})
