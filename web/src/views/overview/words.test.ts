import { describe, expect, it } from 'vitest'
import { couldSwitch, done, fallbackDetail, fallbackName, missingDays, missingWords, verdicts } from './words'

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
