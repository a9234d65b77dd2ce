import { expect, test } from 'vitest'
import { compareCommands, names, noteTitle, quoted, sentence } from './compare'

test('words of a shell are quoted where they have to be', () => {
  expect(quoted('my-role.1')).toBe('my-role.1')
  expect(quoted("it's")).toBe(String.raw`'it'\''s'`)
})

test('commands name the role without its path', () => {
  const text = compareCommands('arn:aws:iam::1:role/team/reader')
  expect(text).toContain('--role-name reader\n')
  expect(text).not.toContain('team')
})

test('notes are sentences', () => {
  expect(sentence('the calls hold no data event')).toBe('The calls hold no data event.')
  expect(sentence('dynamodb is used')).toBe('dynamodb is used.')
  expect(sentence('s3:ListBucket was refused')).toBe('s3:ListBucket was refused.')
  expect(noteTitle('no_data_events')).toBe('No data events')
  expect(noteTitle('some_new_code')).toBe('some new code')
})

test('a service account is found among those that a role is bound to, whole', () => {
  const wanted = { namespace: 'shop', service_account: 'cart' }
  expect(names('one/shop/cart, one/shop/orders', wanted)).toBe(true)
  expect(names('one/shop/orders, oidc.example/id/1/shop/cart', wanted)).toBe(true)
  expect(names('one/shop/cart-v1', wanted)).toBe(false)
  expect(names(null, wanted)).toBe(false)
})
