/** Where one writes. What is typed is kept as a draft at once. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { keyOf } from "../state/places";
import type { Timeline } from "../app/port";
import { usePort, useWords } from "./context";
import { SendIcon } from "./icons";

const MOST_BYTES = 16_384;
/** From here on it is shown how much is left. */
const NEAR_BYTES = 15_000;

const encoder = new TextEncoder();

export function Composer({ timeline }: { readonly timeline: Timeline }): JSX.Element {
  const { draft, acts } = usePort();
  const words = useWords();
  const field = useRef<HTMLTextAreaElement>(null);
  const text = draft.value;
  const bytes = text.length * 3 < NEAR_BYTES ? 0 : encoder.encode(text).length;
  const place = keyOf(timeline.place);

  useEffect(() => {
    const here = field.current;
    if (!here) return;
    here.style.height = "auto"; // grows with what is in it, and not with its placeholder; CSS bounds it
    if (text) here.style.height = `${here.scrollHeight + 2}px`;
  }, [text, place]);
  useEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (matchMedia("(pointer: fine)").matches) field.current?.focus({ preventScroll: true });
  }, [place]);

  const send = (): void => {
    if (!text.trim() || bytes > MOST_BYTES) return;
    acts.post(text);
    field.current?.focus();
  };
  const typed = (event: KeyboardEvent): void => {
    // 229: the Enter that ends an input method's word, which Safari tells apart in no other way.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="composer-box">
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          data-home-of-focus
          aria-label={words.message}
          aria-describedby="compose-hint"
          aria-invalid={bytes > MOST_BYTES}
          placeholder={words.messageTo(timeline.name)}
          value={text}
          onInput={(event) => acts.draft(event.currentTarget.value)}
          onKeyDown={typed}
        />
        <button class="send" aria-label={words.send} title={words.send} aria-disabled={!text.trim() || bytes > MOST_BYTES}>
          <SendIcon />
        </button>
      </div>
      <p class={bytes > MOST_BYTES ? "compose-hint over" : "compose-hint"} id="compose-hint" role={bytes > MOST_BYTES ? "alert" : undefined}>
        {bytes > MOST_BYTES ? words.tooLong(bytes - MOST_BYTES) : bytes > NEAR_BYTES ? words.bytesLeft(MOST_BYTES - bytes) : words.composeHint}
      </p>
    </form>
  );
}
