// A panel over the page's right side.
import { useId, type ReactNode } from 'react'
import { Modal } from './Modal'

export function Drawer({ title, subtitle, onClose, children }: { title: ReactNode; subtitle?: ReactNode; onClose: () => void; children: ReactNode }) {
  const id = useId()
  return (
    <Modal className="drawer" aria-labelledby={id} onClose={onClose}>
      <div className="drawer-head">
        <div>
          <h2 id={id}>{title}</h2>
          {subtitle !== undefined && <p className="soft small">{subtitle}</p>}
        </div>
        <button type="button" className="button small" onClick={onClose} aria-label="Close">
          ✕
        </button>
      </div>
      <div className="drawer-body">{children}</div>
    </Modal>
  )
}

/** A titled part of a drawer or panel. */
export function Section({ title, children }: { title: ReactNode; children: ReactNode }) {
  return (
    <section className="section">
      <h3>{title}</h3>
      {children}
    </section>
  )
}
