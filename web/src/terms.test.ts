import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as terms from './terms'

const { confidenceOf, PATH_SERIES, PATH_SERIES_COLOUR, PATH_SERIES_NAMES, pathSeries, term } = terms

test.each([
  ['workload', null, 'candidate', 'unknown'],
  ['workload', 'cart', 'candidate', 'candidate'],
  ['workload', null, 'exact', 'exact'],
  ['node_agent', null, 'candidate', 'candidate'],
  ['workload', null, null, null],
])('how sure it is that %s %j called, a %s', (actor, service_account, confidence, shown) => {
  expect(confidenceOf({ actor, service_account, confidence })).toBe(shown)
})

describe('series of calls', () => {
  test.each([
    ['irsa', 'workload', 'irsa'],
    ['irsa', null, 'irsa'],
    ['node_role', 'workload', 'node_role-workload'],
    ['node_role', 'node_agent', 'node_role-node_agent'],
    ['node_role', 'unknown', 'node_role-unknown'],
    ['node_role', null, 'node_role-unknown'],
    ['node_role', 'control_plane', 'node_role-unknown'],
    ['something_new', 'workload', null],
    [null, 'workload', null],
    [undefined, undefined, null],
  ])('%s by %s', (path, actor, series) => {
    expect(pathSeries(path, actor)).toBe(series)
  })

  test('each has a name of its own', () => {
    const names = PATH_SERIES.map((series) => PATH_SERIES_NAMES[series])
    expect(new Set(names).size).toBe(PATH_SERIES.length)
  })

  test('each has a colour in both themes, and a swatch', () => {
    const css = readFileSync(new URL('./styles/base.css', import.meta.url), 'utf8')
    const parts = readFileSync(new URL('./styles/parts.css', import.meta.url), 'utf8')
    for (const series of PATH_SERIES) {
      expect(css.split(`${PATH_SERIES_COLOUR[series]}:`).length - 1, series).toBe(2)
      expect(parts + css, series).toContain(`.swatch-${series}`)
    }
  })
})

describe('terms', () => {
  test('a value without a name is shown in words', () => {
    expect(term(terms.ACCESS_PATHS, 'pod_identity')).toBe('EKS Pod Identity')
    expect(term(terms.ACCESS_PATHS, 'something_new')).toBe('something new')
    expect(term(terms.ACCESS_PATHS, null)).toBe('–')
    expect(term(terms.ACCESS_PATHS, undefined)).toBe('–')
  })

  test('every confidence has a name, a meaning and a tone', () => {
    const values = ['exact', 'inferred', 'candidate', 'unknown']
    expect(Object.keys(terms.CONFIDENCES)).toEqual(values)
    expect(Object.keys(terms.CONFIDENCE_MEANING)).toEqual(values)
    expect(Object.keys(terms.CONFIDENCE_TONE)).toEqual(values)
  })

  test('every access path has a series', () => {
    for (const path of Object.keys(terms.ACCESS_PATHS)) {
      expect(pathSeries(path, 'workload'), path).not.toBeNull()
    }
  })
})
