/** A dialog over the page: the browser's own, which keeps the focus inside and closes on Escape. */
import type { ComponentChildren, JSX } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

import { useWords } from "./context";
import { CloseIcon } from "./icons";

interface Props {
  readonly title: string;
  readonly kind?: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ title, kind = "", onClose, children }: Props): JSX.Element {
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // At once, not after the next frame: the key that comes next is meant for it already.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const here = dialog.current;
    here?.showModal();
    return () => {
      here?.close();
      // Where the focus came from may be gone by now: then it goes to where one writes.
      if (before instanceof HTMLElement && before.isConnected && before !== document.body) before.focus();
      else document.querySelector<HTMLElement>("[data-home-of-focus]")?.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${kind}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClose={() => {
        if (dialog.current) onClose(); // a second Escape cannot be prevented: then it is closed already
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose(); // beside it
      }}
    >
      <div class="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="icon-button" aria-label={words.close} title={words.close} onClick={onClose}>
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
