import { describe, expect, it } from 'vitest'
import { couldSwitch, done, fallbackDetail, fallbackName, firstNames, missingDays, missingWords, notObserved, toObserve, verdicts } from './words'

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
  it('says how many could switch', () => {
    expect(couldSwitch({ safe: 0, breaks: 2, unknown: 0 })).toBe('None of the 2 node roles could switch today.')
    expect(couldSwitch({ safe: 1, breaks: 2, unknown: 0 })).toBe('1 of 3 node roles could switch today.')
    expect(couldSwitch({ safe: 2, breaks: 0, unknown: 0 })).toBe('All 2 node roles could switch today.')
    expect(couldSwitch({ safe: 0, breaks: 0, unknown: 1 })).toBe('The node role could not switch today.')
  })
  it('is done where every running instance is closed', () => {
    expect(done({ running_instances: 2, closed_instances: 2 })).toBe(true)
    expect(done({ running_instances: 2, closed_instances: 1 })).toBe(false)
    expect(done({ running_instances: 0, closed_instances: 0 })).toBe(false)
  })
  it('says what to run for what was not observed', () => {
    const text = "no inventory of the cluster's pods; less than 7 days of trail: what runs weekly was not seen"
    expect(notObserved(text)).toHaveLength(2)
    expect(toObserve(text).map((one) => one.command)).toEqual(['podtrail inventory collect', 'podtrail ingest SOURCE --from -7d'])
    expect(toObserve(null)).toEqual([])
  })
  it('names the first few that break', () => {
    expect(firstNames('an unknown pod, shop/Deployment/a, shop/Deployment/b', 2)).toEqual(['shop/Deployment/a', 'shop/Deployment/b'])
    expect(firstNames(null, 2)).toEqual([])
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
