import { Code, CopyButton } from '../../components/basics'
import { noteTitle, sentence } from '../workload/compare'
import { script, type Fix, type PolicyNote } from './fallback'

/** Steps to run, in order. */
export function Commands({ fix, unsure }: { fix: Fix; unsure: boolean }) {
  return (
    <div className="fb-tab">
      <div className="row fb-verdict">
        <p className="soft small">For bash, in one shell: the first step sets what the others use. Read before you run; podtrail changes nothing itself.</p>
        <span className="fb-spring" />
        <CopyButton text={() => script(fix.commands)} label="Copy all commands" className="button small primary" />
      </div>
      {unsure && <p className="badge warn fb-wrap">Who made the calls is not certain. Make sure that it is this workload before you change anything.</p>}
      <ol className="fb-steps">
        {fix.commands.map((step) => (
          <li key={step.title}>
            <h3>{step.title}</h3>
            <Code text={step.command} label={step.title} />
          </li>
        ))}
      </ol>
      <Notes title="What to know before" notes={fix.notes} />
    </div>
  )
}

function Notes({ title, notes }: { title: string; notes: readonly string[] }) {
  return notes.length === 0 ? null : (
    <section className="section">
      <h3>{title}</h3>
      <ul className="fb-notes">
        {notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </section>
  )
}

export function Terraform({ text }: { text: string }) {
  return (
    <div className="fb-tab">
      <p className="soft small">The same as Terraform. Names are as in the commands; put it beside the cluster’s code.</p>
      <Code text={text} label="Terraform" />
    </div>
  )
}

/** What the workload needs, from the calls seen. */
export function Policies({ texts, notes }: { texts: readonly string[]; notes: readonly PolicyNote[] }) {
  return (
    <div className="fb-tab">
      <p className="soft small">
        Allows what this workload was seen to call with the node role and was not refused, and no more. Calls that no trail recorded, such as data events where they are off, are not in it.
      </p>
      {texts.map((text, index) => (
        <Code key={text} text={text} label={texts.length === 1 ? 'Policy' : `Policy ${index + 1} of ${texts.length}`} />
      ))}
      <Notes title="Before you use it" notes={notes.map((note) => `${noteTitle(note.code)}: ${sentence(note.text)}`)} />
    </div>
  )
}
