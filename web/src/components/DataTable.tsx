// A table of any length: sorted by its headers, read by keyboard, copied as CSV.
import { getCoreRowModel, getSortedRowModel, useReactTable, type ColumnDef, type SortingState } from '@tanstack/react-table'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef, type CSSProperties, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react'
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
  /** One line, cut where it is too long; two lines where it stands below another value. */
  clip?: boolean
  /** Least width in pixels; a longer text takes more lines, so that it never makes the table wider than its box. */
  wrap?: number
  /** Tooltip of the header. */
  meaning?: string
  /** Shown below it in the same cell. Each sorts by its own header, and is a column of its own in the CSV. */
  below?: readonly Column<Row>[]
}

/** A column with those below it. */
function partsOf<Row>(column: Column<Row>): Column<Row>[] {
  return [column, ...(column.below ?? [])]
}

/** Tables up to this many rows are drawn whole. */
const WHOLE = 60
/** Guessed until a row is drawn. */
const ROW_HEIGHT = 50
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
  const all = useMemo(() => columns.flatMap(partsOf), [columns])
  const definitions = useMemo<ColumnDef<Row>[]>(
    () =>
      all.map((column) => ({
        id: column.id,
        accessorFn: (row) => column.value(row) ?? undefined,
        sortUndefined: 'last',
        sortingFn: column.number === true ? 'basic' : compareText,
        sortDescFirst: column.number === true,
      })),
    [all],
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
      all.map((column) => column.id),
      sorted.map((row) => all.map((column) => column.value(row.original))),
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
        <table className={all.length > MOST_COLUMNS_OF_PHONE ? 'table cards' : 'table'} aria-rowcount={sorted.length + 1} aria-label={label}>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map((column) => (
                <Head key={column.id} column={column} sorting={sorting} onSort={(id) => table.getColumn(id)?.toggleSorting()} />
              ))}
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
                  aria-current={selected === key ? true : undefined}
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
                  {columns.map((column) => (
                    <Cell key={column.id} column={column} row={row.original} />
                  ))}
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

function Head<Row>({ column, sorting, onSort }: { column: Column<Row>; sorting: SortingState; onSort: (id: string) => void }) {
  const parts = partsOf(column)
  const order = sorting.find((one) => parts.some((part) => part.id === one.id))
  const direction = order === undefined ? 'none' : order.desc ? 'descending' : 'ascending'
  return (
    <th scope="col" aria-sort={direction} className={classOf(column)}>
      {parts.map((part) => {
        const sorts = part.id === order?.id
        return (
          <button
            key={part.id}
            type="button"
            // Of several in one header, the one that the order is of.
            aria-current={sorts && parts.length > 1 ? true : undefined}
            title={part.meaning ?? `Sort by ${part.header}`}
            onClick={() => onSort(part.id)}
          >
            {part.header}
            {sorts && <span aria-hidden="true">{direction === 'ascending' ? '▲' : '▼'}</span>}
          </button>
        )
      })}
    </th>
  )
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const style = column.wrap === undefined ? undefined : ({ '--least': `${column.wrap}px` } as CSSProperties)
  if (column.below === undefined) {
    const title = column.clip === true ? text(column.value(row)) : undefined
    return (
      <td data-label={column.header} data-empty={isEmpty(column, row)} className={classOf(column)} style={style} title={title}>
        {contentOf(column, row)}
      </td>
    )
  }
  return (
    <td className={classOf(column)} style={style}>
      {partsOf(column).map((part) => {
        const content = contentOf(part, row)
        return (
          <div
            key={part.id}
            className={part.clip === true ? 'part clip' : 'part'}
            data-label={part.header}
            data-empty={isEmpty(part, row) || content === null}
            title={part.clip === true ? text(part.value(row)) : undefined}
          >
            {content}
          </div>
        )
      })}
    </td>
  )
}

function classOf<Row>(column: Column<Row>): string | undefined {
  const names = [
    column.number === true && 'number',
    column.clip === true && column.below === undefined && 'clip',
    column.wrap !== undefined && 'wrap',
    column.below !== undefined && 'stacked',
  ].filter((name) => name !== false)
  return names.length === 0 ? undefined : names.join(' ')
}

function isEmpty<Row>(column: Column<Row>, row: Row): boolean {
  return column.cell === undefined && text(column.value(row)) === undefined
}

function contentOf<Row>(column: Column<Row>, row: Row): ReactNode {
  return column.cell === undefined ? (text(column.value(row)) ?? <span className="soft">–</span>) : column.cell(row)
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
