import { useId, type KeyboardEvent, type ReactNode } from 'react'

/** Parts of which one is shown. The one shown is the caller's to keep, in the address. */
export function Tabs<Name extends string>({
  label,
  tabs,
  shown,
  onShow,
}: {
  label: string
  tabs: readonly { name: Name; title: ReactNode; body: () => ReactNode }[]
  shown: Name
  onShow: (name: Name) => void
}) {
  const id = useId()
  const at = Math.max(
    0,
    tabs.findIndex((tab) => tab.name === shown),
  )
  const keys = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    const next = tabs[(at + step + tabs.length) % tabs.length]
    if (step !== 0 && next !== undefined) {
      event.preventDefault()
      onShow(next.name)
      document.getElementById(`${id}-${next.name}`)?.focus()
    }
  }
  return (
    <div>
      <div className="tabs" role="tablist" aria-label={label}>
        {tabs.map((tab, index) => (
          <button
            key={tab.name}
            id={`${id}-${tab.name}`}
            type="button"
            role="tab"
            aria-selected={index === at}
            aria-controls={`${id}-panel`}
            tabIndex={index === at ? 0 : -1}
            onClick={() => onShow(tab.name)}
            onKeyDown={keys}
          >
            {tab.title}
          </button>
        ))}
      </div>
      <div id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${tabs[at]?.name ?? ''}`}>
        {tabs[at]?.body()}
      </div>
    </div>
  )
}
