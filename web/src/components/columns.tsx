// Columns that many tables have.
import { Time } from './basics'
import type { Column } from './DataTable'

type Moment = string | null | undefined

/** A column of times, said to be UTC. */
export function timeColumn<Row>(id: string, header: string, value: (row: Row) => Moment, more: Partial<Column<Row>> = {}): Column<Row> {
  return { id, header: `${header}, UTC`, value, cell: (row) => <Time value={value(row)} />, ...more }
}

/** A column of times for below another one, which says already where there are none. */
export function firstColumn<Row>(id: string, header: string, value: (row: Row) => Moment, more: Partial<Column<Row>> = {}): Column<Row> {
  return timeColumn(id, header, value, { cell: (row) => (value(row) ? <Time value={value(row)} /> : null), ...more })
}

interface Seen {
  first_seen?: Moment
  last_seen?: Moment
}

/** When the calls of a row were: the last, and below it the first. */
export function seenColumn<Row extends Seen>(what = 'seen'): Column<Row> {
  return timeColumn('last_seen', `Last ${what}`, (row) => row.last_seen, {
    meaning: 'Last call',
    below: [firstColumn('first_seen', `First ${what}`, (row) => row.first_seen, { meaning: 'First call' })],
  })
}
