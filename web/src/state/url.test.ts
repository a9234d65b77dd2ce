import { describe, expect, test } from 'vitest'
import { carry, follow, narrowing, onLeave, valuesOfPage } from './url'

describe('what waits to be put into the address', () => {
  test.each([
    ['a link', 'PUSH', 'b', 1],
    ['the button that goes back', 'POP', 'b', 1],
    ['a control', 'REPLACE', 'b', 0],
    ['what changes elsewhere in the router', 'PUSH', 'a', 0],
  ])('after %s', (_, historyAction, key, times) => {
    let told = 0
    const stop = onLeave(() => {
      told += 1
    })
    const listeners: ((state: { historyAction: string; location: { key: string } }) => void)[] = []
    const tell = (state: { historyAction: string; location: { key: string } }) => {
      for (const listener of listeners) listener(state)
    }
    follow({
      state: { historyAction: 'POP', location: { key: 'a' } },
      subscribe: (given) => {
        listeners.push(given)
      },
    })
    tell({ historyAction, location: { key } })
    expect(told).toBe(times)
    stop()
    tell({ historyAction: 'PUSH', location: { key: 'c' } })
    expect(told).toBe(times)
  })
})

describe('what a control shows', () => {
  test.each([
    ['/roles?q=a', '/roles', 'q=a'],
    ['/roles', '/roles', ''],
    ['/?q=a', '/', 'q=a'],
    ['/roles?q=a', '/', null],
    ['/nodes/i-1?q=a', '/nodes', null],
    ['/nodes?q=a', '/nodes/i-1', null],
  ])('of %s on %s', (address, page, values) => {
    expect(valuesOfPage(address, page)?.toString() ?? null).toBe(values)
  })
})

test.each([
  ['cause=no_binding&open=1&tab=fix&sort=calls.desc', ['cause']],
  ['q=a&from=-24h&cluster=myeks', ['cluster', 'q', 'from']],
  ['nodegroup=ng-1&fallbacks=1', ['nodegroup', 'fallbacks']],
  ['side=tables&x=a&sort_pods=pod', []],
])('what %s narrows a page by', (params, names) => {
  expect(narrowing(new URLSearchParams(params))).toEqual(names)
})

describe('links between pages', () => {
  test.each([
    ['', '/nodes'],
    ['from=-24h&cluster=myeks', '/nodes?from=-24h&cluster=myeks'],
    ['to=2026-05-01', '/nodes?to=2026-05-01'],
    ['sort=calls.desc&open=1&tab=pods&namespace=shop', '/nodes'],
    ['from=2026-05-01T00:00:00%2B02:00', '/nodes?from=2026-05-01T00%3A00%3A00%2B02%3A00'],
  ])('from a page with %j', (params, link) => {
    expect(carry('/nodes', new URLSearchParams(params))).toBe(link)
  })

  test('more is put into the address, or kept out of it', () => {
    const from = new URLSearchParams('from=-24h&cluster=myeks')
    expect(carry('/roles', from, { role_arn: 'arn:aws:iam::1:role/a b' })).toBe('/roles?from=-24h&cluster=myeks&role_arn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa+b')
    expect(carry('/roles', from, { cluster: null })).toBe('/roles?from=-24h')
    expect(carry('/roles', from, { cluster: 'other', from: '' })).toBe('/roles?cluster=other')
  })

  test('the page they are on keeps its own', () => {
    const from = new URLSearchParams('from=-24h')
    carry('/roles', from, { from: null })
    expect(from.get('from')).toBe('-24h')
  })
})
