// ECharts on a canvas. Tooltips are drawn on the canvas too: as HTML they would carry inline styles, which the content
// security policy forbids.
import { BarChart, CustomChart, GraphChart, HeatmapChart, LineChart, SankeyChart, ScatterChart } from 'echarts/charts'
import {
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from 'echarts/components'
import { init, use as register, type ECharts, type EChartsCoreOption } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { useTheme } from '../state/theme'
import { withZone } from './axes'

register([
  AriaComponent,
  BarChart,
  CanvasRenderer,
  CustomChart,
  DataZoomComponent,
  GraphChart,
  GridComponent,
  HeatmapChart,
  LegendComponent,
  LineChart,
  MarkLineComponent,
  SankeyChart,
  ScatterChart,
  TooltipComponent,
  VisualMapComponent,
])

export default function ChartCanvas({
  label,
  option,
  height,
  onClick,
}: {
  label: string
  option: (colour: (variable: string) => string) => EChartsCoreOption
  height: number
  onClick?: ((item: { name: string; seriesName?: string; data: unknown; dataType?: string }) => void) | undefined
}) {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts | null>(null)
  const clicked = useRef(onClick)
  const theme = useTheme()

  useEffect(() => {
    clicked.current = onClick
  }, [onClick])

  useEffect(() => {
    const element = place.current
    if (element === null) {
      return undefined
    }
    const made = init(element)
    chart.current = made
    made.on('click', (event) => {
      const { name, seriesName, data, dataType } = event
      clicked.current?.({ name, data, ...(seriesName === undefined ? {} : { seriesName }), ...(dataType === undefined ? {} : { dataType }) })
    })
    const observer = new ResizeObserver(() => made.resize())
    observer.observe(element)
    return () => {
      observer.disconnect()
      // A heat map is drawn over several frames. What is still to be drawn is given up, or it would fail on what is no more.
      made.clear()
      made.dispose()
      chart.current = null
    }
  }, [])

  useEffect(() => {
    const styles = getComputedStyle(document.documentElement)
    const colour = (variable: string) => styles.getPropertyValue(variable).trim()
    chart.current?.setOption({ ...withTheme(withZone(option(colour)), colour), darkMode: theme === 'dark' }, { notMerge: true })
  }, [option, theme])

  return <div ref={place} className="chart" role="img" aria-label={label} style={{ height }} />
}

/** Adds what all charts share: font, colours of text and tooltip, no HTML. */
function withTheme(option: EChartsCoreOption, colour: (variable: string) => string): EChartsCoreOption {
  const tooltip = (option.tooltip as object | undefined) ?? {}
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour('--text') },
    ...option,
    tooltip: {
      confine: true,
      backgroundColor: colour('--raised'),
      borderColor: colour('--line'),
      textStyle: { color: colour('--text'), fontSize: 12 },
      ...tooltip,
      renderMode: 'richText',
    },
  }
}
