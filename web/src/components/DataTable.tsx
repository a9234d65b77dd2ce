// A table of any length: sorted by its headers, read by keyboard, copied as CSV.
import { getCoreRowModel, getSortedRowModel, useReactTable, type ColumnDef, type SortingState } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react'
import { csv } from '../format'
import { useUrlValue } from '../state/url'
import { CopyButton } from './basics'

/** A column: its value sorts and is what CSV has, its cell is what is seen. */
export interface Column<Row> {
  /** As the API names it: head of the CSV, and in the address when it sorts. */
  id: string
  header: string
  value: (row: Row) => string | number | boolean | null | undefined
  cell?: (row: Row) => ReactNode
  number?: boolean
  /** One line, cut where it is too long. */
  clip?: boolean
  /** Tooltip of the header. */
  meaning?: string
}

/** Tables up to this many rows are drawn whole. */
const WHOLE = 60
const ROW_HEIGHT = 36
/** On a phone the rows of wider tables are cards. */
const MOST_COLUMNS_OF_PHONE = 3

export function DataTable<Row>({
  label,
  rows,
  columns,
  rowKey,
  onOpen,
  selected,
  defaultSort,
  sortParameter = 'sort',
  tools,
  note,
}: {
  /** What the table is, for those who do not see it. */
  label: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  rowKey: (row: Row) => string
  /** Opens a row: by click, or by Enter on it. */
  onOpen?: (row: Row) => void
  selected?: string | null
  /** `column` or `column.desc`. */
  defaultSort?: string
  /** Parameter of the address that holds the order; one for each table of a page. */
  sortParameter?: string
  tools?: ReactNode
  /** Said beside the number of rows, such as what was left out. */
  note?: ReactNode
}) {
  const [sort, setSort] = useUrlValue(sortParameter)
  const sorting = useMemo(() => parseSort(sort ?? defaultSort ?? null), [sort, defaultSort])
  const definitions = useMemo<ColumnDef<Row>[]>(
    () =>
      columns.map((column) => ({
        id: column.id,
        accessorFn: (row) => column.value(row) ?? undefined,
        sortUndefined: 'last',
        sortingFn: column.number === true ? 'basic' : compareText,
        sortDescFirst: column.number === true,
      })),
    [columns],
  )
  const data = useMemo(() => [...rows], [rows])
  const table = useReactTable({
    data,
    columns: definitions,
    state: { sorting },
    enableSortingRemoval: false,
    onSortingChange: (update) => {
      const next = typeof update === 'function' ? update(sorting) : update
      const first = next[0]
      setSort(first === undefined ? null : `${first.id}${first.desc ? '.desc' : ''}`)
    },
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  })
  const sorted = table.getRowModel().rows
  const scroll = useRef<HTMLDivElement>(null)
  const virtual = sorted.length > WHOLE
  const virtualizer = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    enabled: virtual,
  })
  const shown = virtual
    ? virtualizer.getVirtualItems().map((item) => item.index)
    : Array.from({ length: sorted.length }, (_, index) => index)
  const items = virtual ? virtualizer.getVirtualItems() : []
  const before = items[0]?.start ?? 0
  const after = virtual ? virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0) : 0

  const asCsv = () =>
    csv(
      columns.map((column) => column.id),
      sorted.map((row) => columns.map((column) => column.value(row.original))),
    )

  return (
    <div className="table-wrap">
      <div className="table-tools">
        <span className="soft small" role="status">
          {sorted.length === 1 ? '1 row' : `${sorted.length.toLocaleString('en-GB')} rows`}
          {note !== undefined && <> · {note}</>}
        </span>
        <div className="row">
          {tools}
          <CopyButton text={asCsv} label="Copy CSV" />
          <CopyButton text={() => window.location.href} label="Copy link" />
        </div>
      </div>
      {/* Scrollable, so that the keyboard has to reach it. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div ref={scroll} className={virtual ? 'table-scroll tall' : 'table-scroll'} tabIndex={0} role="region" aria-label={label}>
        <table className={columns.length > MOST_COLUMNS_OF_PHONE ? 'table cards' : 'table'} aria-rowcount={sorted.length + 1} aria-label={label}>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map((column) => {
                const order = sorting.find((one) => one.id === column.id)
                const direction = order === undefined ? 'none' : order.desc ? 'descending' : 'ascending'
                return (
                  <th key={column.id} scope="col" aria-sort={direction} className={column.number === true ? 'number' : undefined}>
                    <button type="button" title={column.meaning ?? `Sort by ${column.header}`} onClick={() => table.getColumn(column.id)?.toggleSorting()}>
                      {column.header}
                      <span aria-hidden="true">{direction === 'ascending' ? '▲' : direction === 'descending' ? '▼' : ''}</span>
                    </button>
                  </th>
                )
              })}
            </tr>
          </thead>
          <tbody>
            {before > 0 && <Spacer height={before} columns={columns.length} />}
            {shown.map((index) => {
              const row = sorted[index]
              if (row === undefined) {
                return null
              }
              const key = rowKey(row.original)
              return (
                <tr
                  key={key}
                  data-index={index}
                  ref={virtual ? virtualizer.measureElement : undefined}
                  aria-rowindex={index + 2}
                  data-selected={selected === key}
                  {...(onOpen === undefined
                    ? {}
                    : {
                        className: 'opens',
                        tabIndex: 0,
                        onClick: (event: MouseEvent) => {
                          if (!(event.target as HTMLElement).closest('a, button')) {
                            onOpen(row.original)
                          }
                        },
                        onKeyDown: (event: KeyboardEvent<HTMLTableRowElement>) => rowKeys(event, () => onOpen(row.original)),
                      })}
                >
                  {columns.map((column) => {
                    const value = column.value(row.original)
                    const className = [column.number === true ? 'number' : '', column.clip === true ? 'clip' : ''].join(' ').trim()
                    return (
                      <td
                        key={column.id}
                        data-label={column.header}
                        data-empty={column.cell === undefined && text(value) === undefined}
                        className={className === '' ? undefined : className}
                        title={column.clip === true ? text(value) : undefined}
                      >
                        {column.cell === undefined ? (text(value) ?? <span className="soft">–</span>) : column.cell(row.original)}
                      </td>
                    )
                  })}
                </tr>
              )
            })}
            {after > 0 && <Spacer height={after} columns={columns.length} />}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr className="spacer" aria-hidden="true">
      <td colSpan={columns} style={{ height }} />
    </tr>
  )
}

function rowKeys(event: KeyboardEvent<HTMLTableRowElement>, open: () => void) {
  if (event.target !== event.currentTarget) {
    return
  }
  const row = event.currentTarget
  const next = event.key === 'ArrowDown' ? row.nextElementSibling : event.key === 'ArrowUp' ? row.previousElementSibling : null
  if (next instanceof HTMLElement && next.tabIndex === 0) {
    event.preventDefault()
    next.focus()
  } else if (event.key === 'Enter' || event.key === ' ') {
    event.preventDefault()
    open()
  }
}

function text(value: string | number | boolean | null | undefined): string | undefined {
  if (value === null || value === undefined || value === '') {
    return undefined
  }
  return typeof value === 'number' ? value.toLocaleString('en-GB') : typeof value === 'boolean' ? (value ? 'yes' : 'no') : value
}

const compareText = (a: { getValue: (id: string) => unknown }, b: { getValue: (id: string) => unknown }, id: string): number =>
  String(a.getValue(id)).localeCompare(String(b.getValue(id)), 'en', { numeric: true })

/** Reads `column` or `column.desc`. */
export function parseSort(value: string | null): SortingState {
  if (value === null || value === '') {
    return []
  }
  const desc = value.endsWith('.desc')
  return [{ id: desc ? value.slice(0, -'.desc'.length) : value, desc }]
}
