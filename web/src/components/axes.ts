// Axes that look alike in all charts.
import { short } from '../format'

type Colour = (variable: string) => string

export function timeAxis(colour: Colour) {
  return {
    type: 'time' as const,
    axisLine: { lineStyle: { color: colour('--line') } },
    // By itself a new day would be its bare number.
    axisLabel: { color: colour('--text-soft'), hideOverlap: true, fontSize: 11, formatter: { day: '{MM}-{dd}' } },
    splitLine: { show: false },
  }
}

export function valueAxis(colour: Colour, name: string) {
  return {
    type: 'value' as const,
    name,
    nameTextStyle: { color: colour('--text-soft'), align: 'left' as const, fontSize: 11 },
    axisLabel: { color: colour('--text-soft'), formatter: short, fontSize: 11 },
    splitLine: { lineStyle: { color: colour('--line') } },
  }
}

export function categoryAxis(colour: Colour, data: string[]) {
  return {
    type: 'category' as const,
    data,
    axisLine: { lineStyle: { color: colour('--line') } },
    axisTick: { show: false },
    axisLabel: { color: colour('--text-soft'), hideOverlap: true, fontSize: 11 },
  }
}
