// Numbers and names as text.

const grouped = new Intl.NumberFormat('en-GB')

/** `12,345`; a dash for what is not known. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : grouped.format(value)
}

const digits = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 20 })

/** A number with all its digits: of what others computed, nothing is known to be of no account. */
export function exact(value: number): string {
  return digits.format(value)
}

/** `1.2 k`, `3.4 M`: for axes and tiles. */
export function short(value: number): string {
  for (const [size, unit] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (Math.abs(value) >= size * 0.9995) {
      const scaled = value / size
      return `${scaled >= 99.95 ? scaled.toFixed(0) : scaled.toFixed(1).replace(/\.0$/, '')} ${unit}`
    }
  }
  return grouped.format(value)
}

/** `12.3 %` of a whole; a dash where there is no whole. What is not quite all, or not quite none, is not rounded to that. */
export function share(part: number, whole: number): string {
  if (whole === 0) {
    return '–'
  }
  const percent = (100 * part) / whole
  if (percent > 0 && percent < 0.1) {
    return '< 0.1 %'
  }
  if (percent < 100 && percent >= 99.95) {
    return '> 99.9 %'
  }
  return `${percent >= 100 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)} %`
}

/** A score from 0 to 1. One that is not quite certain, or not quite none, is not rounded to that. */
export function scoreText(value: number): string {
  const text = value.toFixed(2)
  return value < 1 && text === '1.00' ? '> 0.99' : value > 0 && text === '0.00' ? '< 0.01' : text
}

/** `1.4 MB`. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return '–'
  }
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  let scaled = value
  let unit = 0
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000
    unit += 1
  }
  return `${unit === 0 || scaled >= 99.95 ? scaled.toFixed(0) : scaled.toFixed(1)} ${units[unit]}`
}

/** A noun by its number: `1 call`, `2 calls`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** The name at the end of an ARN, without its path; anything else as it is. */
export function arnName(arn: string | null | undefined): string {
  if (arn === null || arn === undefined) {
    return '–'
  }
  return /^arn:[^:]*:[^:]*:[^:]*:[^:]*:.*\/([^/]+)$/.exec(arn)?.[1] ?? arn
}

/** The account of an ARN. */
export function arnAccount(arn: string | null | undefined): string | null {
  return (arn ?? '').split(':')[4] || null
}

/** `s3` for `s3.amazonaws.com`. */
export function service(source: string | null | undefined): string {
  return (source ?? '–').replace(/\.amazonaws\.com(\.cn)?$/, '')
}

/** Reads a column that holds JSON; null where it holds none. */
export function json<T>(text: string | null | undefined): T | null {
  if (text === null || text === undefined || text === '') {
    return null
  }
  try {
    return JSON.parse(text) as T
  } catch {
    return null
  }
}

/** Words of a column that lists them with spaces. */
export function words(text: string | null | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '')
}

/** Items of a column that lists them with commas. */
export function items(text: string | null | undefined): string[] {
  return (text ?? '')
    .split(/,\s*/)
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** A value as a CSV field. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvField(value: unknown): string {
  if (value === null || value === undefined) {
    return ''
  }
  let text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) {
    text = `'${text}`
  }
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function csv(header: string[], rows: unknown[][]): string {
  return [header, ...rows].map((row) => row.map(csvField).join(',')).join('\r\n')
}
