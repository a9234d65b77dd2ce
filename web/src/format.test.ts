import { describe, expect, test } from 'vitest'
import { arnAccount, arnName, bytes, count, counted, csv, csvField, exact, items, json, scoreText, service, share, short, words } from './format'

describe('numbers', () => {
  test.each([
    [0, '0'],
    [12_345, '12,345'],
    [-1_000, '-1,000'],
    [null, '–'],
    [undefined, '–'],
  ])('count of %s', (value, text) => {
    expect(count(value)).toBe(text)
  })

  test.each([
    [0, '0'],
    [999, '999'],
    [999.4, '999.4'],
    [999.6, '1 k'],
    [1_000, '1 k'],
    [1_240, '1.2 k'],
    [99_940, '99.9 k'],
    [99_960, '100 k'],
    [999_400, '999 k'],
    [999_500, '1 M'],
    [1_000_000, '1 M'],
    [3_400_000, '3.4 M'],
    [2_000_000_000, '2 G'],
    [-1_500, '-1.5 k'],
  ])('short form of %s', (value, text) => {
    expect(short(value)).toBe(text)
  })

  test.each([
    [0, 0, '–'],
    [0, 7, '0 %'],
    [1, 10_000, '< 0.1 %'],
    [1, 1_000, '0.1 %'],
    [1, 3, '33.3 %'],
    [9_994, 10_000, '99.9 %'],
    [9_996, 10_000, '> 99.9 %'],
    [99_999, 100_000, '> 99.9 %'],
    [10_000, 10_000, '100 %'],
  ])('share of %s in %s', (part, whole, text) => {
    expect(share(part, whole)).toBe(text)
  })

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [1_440_000, '1.4 MB'],
    [250_000_000, '250 MB'],
    [999_600_000, '1.0 GB'],
    [5e18, '5000 PB'],
    [null, '–'],
    [undefined, '–'],
  ])('bytes of %s', (value, text) => {
    expect(bytes(value)).toBe(text)
  })

  test.each([
    [0, '0 calls'],
    [1, '1 call'],
    [2_000, '2,000 calls'],
  ])('%s counted', (value, text) => {
    expect(counted(value, 'call')).toBe(text)
  })

  test('a plural of its own', () => {
    expect(counted(2, 'identity', 'identities')).toBe('2 identities')
  })
})

describe('names', () => {
  test.each([
    ['arn:aws:iam::111122223333:role/myeks-ng-1', 'myeks-ng-1'],
    ['arn:aws:iam::111122223333:role/shared/stock-reader', 'stock-reader'],
    ['arn:aws-cn:iam::111122223333:role/a', 'a'],
    ['arn:aws:sqs:eu-west-1:111122223333:queue', 'arn:aws:sqs:eu-west-1:111122223333:queue'],
    ['no ARN', 'no ARN'],
    [null, '–'],
    [undefined, '–'],
  ])('role of %s', (arn, name) => {
    expect(arnName(arn)).toBe(name)
  })

  test.each([
    ['arn:aws:iam::111122223333:role/a', '111122223333'],
    ['arn:aws:s3:::bucket', null],
    ['no ARN', null],
    [null, null],
  ])('account of %s', (arn, account) => {
    expect(arnAccount(arn)).toBe(account)
  })

  test.each([
    ['s3.amazonaws.com', 's3'],
    ['sts.amazonaws.com.cn', 'sts'],
    ['s3.example.com', 's3.example.com'],
    [null, '–'],
  ])('service of %s', (source, name) => {
    expect(service(source)).toBe(name)
  })
})

describe('columns that hold more than one value', () => {
  test.each([
    ['{"a":1}', { a: 1 }],
    ['[]', []],
    ['{"a":', null],
    ['', null],
    [null, null],
    [undefined, null],
  ])('JSON %s', (text, value) => {
    expect(json(text)).toEqual(value)
  })

  test('words are parted by any white space', () => {
    expect(words(' a  b\nc ')).toEqual(['a', 'b', 'c'])
    expect(words(null)).toEqual([])
  })

  test('items are parted by commas', () => {
    expect(items('a, b,c, ,')).toEqual(['a', 'b', 'c'])
    expect(items('two words, one')).toEqual(['two words', 'one'])
    expect(items(undefined)).toEqual([])
  })
})

describe('a number of a statement', () => {
  test.each([
    [12_345, '12,345'],
    [0.0004, '0.0004'],
    [-1.23456, '-1.23456'],
  ])('%d', (value, text) => {
    expect(exact(value)).toBe(text)
  })
})

describe('a score', () => {
  test.each([
    [1, '1.00'],
    [0.9998, '> 0.99'],
    [0.994, '0.99'],
    [0.5, '0.50'],
    [0.004, '< 0.01'],
    [0, '0.00'],
  ])('%d', (score, text) => {
    expect(scoreText(score)).toBe(text)
  })
})

describe('CSV', () => {
  test.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['two\nlines', '"two\nlines"'],
    [null, ''],
    [undefined, ''],
    [12_345.5, '12345.5'],
    [-5, '-5'],
    [true, 'true'],
    [{ a: 1 }, '"{""a"":1}"'],
  ])('field %j', (value, text) => {
    expect(csvField(value)).toBe(text)
  })

  test.each(['=1+1', '+1', '-1', '@sum', '\tx'])('a text that a spreadsheet would run: %j', (value) => {
    expect(csvField(value)).toBe(`'${value}`)
  })

  test('a text that is a formula and needs quotes gets both', () => {
    expect(csvField('=HYPERLINK("http://x","y")')).toBe(`"'=HYPERLINK(""http://x"",""y"")"`)
  })

  test('lines end as RFC 4180 wants it', () => {
    expect(csv(['a', 'b'], [[1, null], ['x', 'y,z']])).toBe('a,b\r\n1,\r\nx,"y,z"')
  })
})
