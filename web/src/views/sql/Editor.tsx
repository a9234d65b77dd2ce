// CodeMirror in a shadow root: there its styles are adopted style sheets, which the content security policy allows.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, ifNotIn, type CompletionContext } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { PostgreSQL } from '@codemirror/lang-sql'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { Compartment, EditorState, Prec, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder, tooltips } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'react'
import { offers } from './complete'
import type { Schema } from './schema'

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: 'var(--accent)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--bad)' },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: 'var(--text-soft)', fontStyle: 'italic' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--warn)' },
])

const theme = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--panel)', color: 'var(--text)', fontSize: '13px' },
  // The page draws the ring around the whole editor.
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', overflow: 'auto' },
  '.cm-content': { padding: '10px 0', caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--text-soft)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent-soft) 45%, transparent)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', color: 'inherit' },
  '.cm-placeholder': { color: 'var(--text-soft)' },
  '.cm-tooltip': {
    border: '1px solid var(--line)',
    borderRadius: '6px',
    backgroundColor: 'var(--raised)',
    color: 'var(--text)',
    boxShadow: 'var(--shadow)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12px', maxHeight: '15em' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 8px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--text-soft)' },
  '.cm-completionInfo': { maxWidth: '340px', padding: '6px 10px', fontFamily: 'var(--sans)' },
})

/**
 * Replaces selected text by what is typed. Left to the browser, it would keep the look of the replaced text by an inline
 * style, which the content security policy blocks.
 */
const replaceBySelf = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { data, inputType } = event
    const { from, to, empty } = view.state.selection.main
    if (inputType !== 'insertText' || data === null || empty || view.composing) {
      return false
    }
    const insert = () => view.state.update(view.state.replaceSelection(data), { userEvent: 'input.type', scrollIntoView: true })
    if (!view.state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, data, insert))) {
      view.dispatch(insert())
    }
    return true
  },
})

/** The dialect, with completion of what the schema has. */
function language(schema: Schema | undefined): Extension {
  const source = ({ state, pos, explicit }: CompletionContext) => {
    const found = offers(state.doc.toString(), pos, schema ?? NO_SCHEMA)
    const begun = found !== null && (found.from < pos || state.sliceDoc(pos - 1, pos) === '.')
    return begun || (explicit && found !== null) ? { ...found, validFor: /^\w*$/ } : null
  }
  return [PostgreSQL.extension, PostgreSQL.language.data.of({ autocomplete: ifNotIn(['String', 'QuotedIdentifier', 'LineComment', 'BlockComment'], source) })]
}

/** Until the schema is read, and for those who may not read it. */
const NO_SCHEMA: Schema = { tables: [], functions: [] }

export interface EditorHandle {
  insert: (text: string) => void
  focus: () => void
  /** Puts the cursor there. */
  goTo: (offset: number) => void
}

export default function Editor({
  replaced,
  schema,
  onText,
  onRun,
  onReady,
}: {
  /** The text that it has first, or gets in place of its own. */
  replaced: { text: string }
  schema: Schema | undefined
  onText: (text: string) => void
  /** With the text as it is now: the page may not have it yet. */
  onRun: (text: string) => void
  onReady: (handle: EditorHandle | null) => void
}) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const dialect = useRef(new Compartment())
  const latest = useRef({ replaced, schema, onText, onRun, onReady })

  useEffect(() => {
    latest.current = { replaced, schema, onText, onRun, onReady }
  })

  useEffect(() => {
    const element = host.current
    if (element === null) {
      return undefined
    }
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' })
    const place = document.createElement('div')
    place.style.height = '100%'
    const floating = document.createElement('div')
    root.replaceChildren(place, floating)
    const made = new EditorView({
      root,
      parent: place,
      state: EditorState.create({
        doc: latest.current.replaced.text,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          autocompletion({ icons: false }),
          replaceBySelf,
          placeholder('SELECT … FROM attribution'),
          tooltips({ parent: floating }),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'SQL statement. Control Enter runs it; Escape, then Tab, leaves the editor.' }),
          Prec.highest(
            keymap.of([
              {
                key: 'Mod-Enter',
                run: ({ state }) => {
                  latest.current.onRun(state.doc.toString())
                  return true
                },
              },
            ]),
          ),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
          syntaxHighlighting(highlight),
          theme,
          dialect.current.of(language(latest.current.schema)),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) {
              latest.current.onText(update.state.doc.toString())
            }
          }),
        ],
      }),
    })
    view.current = made
    latest.current.onReady({
      insert: (inserted) => {
        made.dispatch(made.state.replaceSelection(inserted))
        made.focus()
      },
      focus: () => made.focus(),
      goTo: (offset) => {
        made.dispatch({ selection: { anchor: Math.min(offset, made.state.doc.length) }, scrollIntoView: true })
        made.focus()
      },
    })
    return () => {
      latest.current.onReady(null)
      made.destroy()
      view.current = null
    }
  }, [])

  useEffect(() => {
    const made = view.current
    if (made !== null && made.state.doc.toString() !== replaced.text) {
      made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: replaced.text } })
    }
  }, [replaced])

  useEffect(() => {
    view.current?.dispatch({ effects: dialect.current.reconfigure(language(schema)) })
  }, [schema])

  return <div ref={host} className="sql-editor" />
}
