import { expect, test } from 'vitest'
import { parseSort } from './DataTable'

test.each([
  [null, []],
  ['', []],
  ['calls', [{ id: 'calls', desc: false }]],
  ['calls.desc', [{ id: 'calls', desc: true }]],
  ['a.b', [{ id: 'a.b', desc: false }]],
])('the order %j', (text, sorting) => {
  expect(parseSort(text)).toEqual(sorting)
})
