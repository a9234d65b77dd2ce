// A box over the page. Escape and a click beside it close it; focus stays within and comes back.
import { useLayoutEffect, useRef, type ReactNode } from 'react'

export function Modal({ className, onClose, children, ...label }: {
  className: string
  onClose: () => void
  children: ReactNode
  'aria-label'?: string
  'aria-labelledby'?: string
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  // Before it leaves the document: once it has left, closing it does not give the focus back.
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    // A click on the element itself is one on its backdrop; the keyboard has Escape.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={dialog}
      className={className}
      {...label}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === event.currentTarget) {
          onClose()
        }
      }}
    >
      {children}
    </dialog>
  )
}
