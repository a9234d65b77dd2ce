import { useId, type KeyboardEvent, type ReactNode } from 'react'

/** Where a key leads from one of some tabs, as people know it from elsewhere; null where it leads nowhere. */
export function tabAfter(key: string, at: number, tabs: number): number | null {
  switch (key) {
    case 'ArrowRight':
      return (at + 1) % tabs
    case 'ArrowLeft':
      return (at - 1 + tabs) % tabs
    case 'Home':
      return 0
    case 'End':
      return tabs - 1
    default:
      return null
  }
}

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
    const next = tabs[tabAfter(event.key, at, tabs.length) ?? tabs.length]
    if (next !== undefined) {
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
