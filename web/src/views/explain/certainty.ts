// What would make an answer more certain, as the service says it: see docs/attribution.md.
import type { Missing, Story } from './story'

/** What would make it more certain, as sentences with what to run; empty where nothing would. */
export function better(told: Story): Missing[] {
  return told.missing.map(({ text, command }) => ({ text: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`, command }))
}
