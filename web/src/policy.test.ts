import { expect, test } from 'vitest'
import { isPolicy, policyText } from './policy'

test('policies are written in the usual order', () => {
  expect(policyText({ Statement: [{ Resource: ['*'], NotAction: ['a:B'], Effect: 'Allow', Sid: 'x' }], Version: '2012-10-17' })).toBe(
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Sid: 'x', Effect: 'Allow', NotAction: ['a:B'], Resource: ['*'] }] }, null, 2),
  )
})

test('a policy is told from other JSON', () => {
  expect(isPolicy({ Statement: [] })).toBe(true)
  expect(isPolicy({ a: 1 })).toBe(false)
  expect(isPolicy(null)).toBe(false)
})
