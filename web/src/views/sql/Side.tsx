// What helps to write a statement: examples, saved ones, and the tables.
import { useState, type FormEvent } from 'react'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ApiError } from '../../api/client'
import { Panel } from '../../components/basics'
import { Answer } from '../../components/states'
import { Tabs } from '../../components/Tabs'
import { useUrlValue } from '../../state/url'
import { EXAMPLES } from './examples'
import { forget, save, useSaved } from './saved'
import { isMain, type Schema, type Table } from './schema'

type Name = 'examples' | 'tables' | 'saved'

export function Side({
  schema,
  text,
  onUse,
  onInsert,
}: {
  schema: UseQueryResult<Schema, ApiError>
  text: string
  /** Puts a statement into the editor and runs it. */
  onUse: (query: string) => void
  onInsert: (text: string) => void
}) {
  const [side, setSide] = useUrlValue('side')
  const shown: Name = side === 'tables' || side === 'saved' ? side : 'examples'
  const examples = <Examples onUse={onUse} />
  const tables = <Answer query={schema}>{(data) => <Tables schema={data} onInsert={onInsert} />}</Answer>
  const saved = <SavedList text={text} onUse={onUse} />
  return (
    <Panel title="Questions and tables" className="sql-side" flush>
      <Tabs<Name>
        label="Examples, tables and saved statements"
        shown={shown}
        onShow={(name) => setSide(name === 'examples' ? null : name)}
        tabs={[
          { name: 'examples', title: 'Questions', body: () => examples },
          { name: 'tables', title: 'Tables', body: () => tables },
          { name: 'saved', title: 'Saved', body: () => saved },
        ]}
      />
    </Panel>
  )
}

function Examples({ onUse }: { onUse: (query: string) => void }) {
  return (
    <ul className="sql-list">
      {EXAMPLES.map((example) => (
        <li key={example.question}>
          <button type="button" onClick={() => onUse(example.query)}>
            {example.question}
          </button>
        </li>
      ))}
    </ul>
  )
}

function Tables({ schema, onInsert }: { schema: Schema; onInsert: (text: string) => void }) {
  const [wanted, setWanted] = useState('')
  const word = wanted.trim().toLowerCase()
  const fits = (table: Table) => word === '' || table.name.includes(word) || table.columns.some((column) => column.name.includes(word))
  const main = schema.tables.filter((table) => isMain(table) && fits(table))
  const others = schema.tables.filter((table) => !isMain(table) && fits(table))
  const functions = schema.functions.filter((one) => word === '' || one.name.includes(word))
  const list = (tables: Table[]) => tables.map((table) => <TableItem key={table.name} table={table} word={word} onInsert={onInsert} />)
  return (
    <div className="sql-tables">
      <label className="field">
        <span className="visually-hidden">Table or column</span>
        <input type="search" placeholder="Table or column" value={wanted} onChange={(event) => setWanted(event.target.value)} />
      </label>
      {list(main)}
      <details open={word !== '' && others.length > 0}>
        <summary className="soft">Others, which these are made of ({others.length})</summary>
        {list(others)}
      </details>
      <details>
        <summary className="soft">Functions of podtrail ({functions.length})</summary>
        <ul className="sql-columns">
          {functions.map((one) => (
            <li key={one.usage}>
              <button type="button" className="mono" title={one.doc} onClick={() => onInsert(`${one.name}(`)}>
                {one.usage}
              </button>
            </li>
          ))}
        </ul>
      </details>
    </div>
  )
}

function TableItem({ table, word, onInsert }: { table: Table; word: string; onInsert: (text: string) => void }) {
  const found = word !== '' && !table.name.includes(word)
  return (
    <details {...(found ? { open: true } : {})}>
      <summary className="mono">{table.name}</summary>
      <ul className="sql-columns">
        <li>
          <button type="button" onClick={() => onInsert(table.name)}>
            Insert the table’s name
          </button>
        </li>
        {table.columns
          .filter((column) => !found || column.name.includes(word))
          .map((column) => (
            <li key={column.name}>
              <button type="button" className="mono" title={`Insert ${column.name}`} onClick={() => onInsert(column.name)}>
                {column.name} <span className="soft">{column.type}</span>
              </button>
            </li>
          ))}
      </ul>
    </details>
  )
}

function SavedList({ text, onUse }: { text: string; onUse: (query: string) => void }) {
  const saved = useSaved()
  const [name, setName] = useState('')
  const ready = name.trim() !== '' && text.trim() !== ''
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save(name.trim(), text)
    setName('')
  }
  return (
    <>
      <form className="sql-save" onSubmit={submit}>
        <label className="field">
          <span className="visually-hidden">Name of the statement</span>
          <input type="text" placeholder="Name of this statement" value={name} onChange={(event) => setName(event.target.value)} maxLength={120} />
        </label>
        <button
          type="submit"
          className="button"
          disabled={!ready}
          title={ready ? 'Keeps the statement in this browser' : text.trim() === '' ? 'Write a statement first' : 'Give it a name first'}
        >
          {saved.some((one) => one.name === name.trim()) ? 'Replace' : 'Save'}
        </button>
      </form>
      {saved.length === 0 && <p className="soft sql-pad">Statements that you save are kept in this browser, for you alone.</p>}
      <ul className="sql-list">
        {saved.map((one) => (
          <li key={one.name}>
            <button type="button" title={one.query} onClick={() => onUse(one.query)}>
              {one.name}
            </button>
            <button type="button" className="button small plain" aria-label={`Delete ${one.name}`} onClick={() => forget(one.name)}>
              ✕
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}
