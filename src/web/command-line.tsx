// A command for a terminal, with a button that copies it.
import { useRef, useState } from 'preact/hooks'

/** For so long a button says that it has copied. */
const PAGE_COPIED_MS = 2_000

export function CommandLine({ text }: { readonly text: string }) {
  const code = useRef<HTMLElement>(null)
  const [copied, setCopied] = useState<string>()
  const copy = async (): Promise<void> => {
    if (code.current === null || !(await intoClipboard(text, code.current))) return
    setCopied(text)
    setTimeout(() => setCopied(undefined), PAGE_COPIED_MS)
  }
  return (
    <span class="command">
      <code ref={code}>
        {text.split(' ').flatMap((word, at) => (at === 0 ? [word] : [' ', <span key={at}>{word}</span>]))}
      </code>
      <button type="button" aria-live="polite" onClick={() => void copy()}>
        {copied === text ? 'Copied' : 'Copy'}
      </button>
    </span>
  )
}

/**
 * Browsers give a clipboard to pages over HTTPS and of this machine only. Elsewhere the text is selected first, and
 * copied the old way; where that fails too, it is selected for Ctrl-C.
 */
async function intoClipboard(text: string, shown: Element): Promise<boolean> {
  if (isSecureContext) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => selected(shown)
    )
  }
  return selected(shown)
}

function selected(shown: Element): boolean {
  getSelection()?.selectAllChildren(shown)
  return document.execCommand('copy')
}
