import { expect, test } from 'vitest'
import { categoryAxis, timeAxis, withZone, ZONE_ROOM } from './axes'

const colour = () => '#000'

test('an axis of times says its zone, and has room for it', () => {
  expect(timeAxis(colour).name).toBe('UTC')
  expect(withZone({ grid: { left: 8, bottom: 4 }, xAxis: timeAxis(colour) }).grid).toEqual({ left: 8, bottom: 4 + ZONE_ROOM })
  expect(withZone({ grid: {}, xAxis: timeAxis(colour) }).grid).toEqual({ bottom: ZONE_ROOM })
})

test('other charts, and those with several grids, stay as they are', () => {
  for (const option of [{ grid: { bottom: 4 }, xAxis: categoryAxis(colour, []) }, { grid: [{ bottom: 4 }], xAxis: [timeAxis(colour)] }, { series: [] }]) {
    expect(withZone(option)).toEqual(option)
  }
})
