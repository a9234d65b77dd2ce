// The clipboard. Browsers give pages their own way to it over HTTPS and on localhost alone; a service is often reached otherwise.

/** Puts a text into the clipboard; rejects where the browser does not allow it. */
export async function copyText(text: string): Promise<void> {
  // The types say that it is always there; only a secure context has it.
  const clipboard = navigator.clipboard as Clipboard | undefined
  if (clipboard !== undefined) {
    await clipboard.writeText(text)
  } else if (!copyByCommand(text)) {
    throw new Error('The browser did not allow to copy.')
  }
}

/** The older way, which works while a click or key is handled: the page writes what it is asked to copy. */
function copyByCommand(text: string): boolean {
  let written = false
  const write = (event: ClipboardEvent) => {
    event.preventDefault()
    event.stopImmediatePropagation()
    event.clipboardData?.setData('text/plain', text)
    written = event.clipboardData !== null
  }
  document.addEventListener('copy', write, { capture: true })
  try {
    return document.execCommand('copy') && written
  } finally {
    document.removeEventListener('copy', write, { capture: true })
  }
}
