/** One message, stored or on its way. */
import { memo } from "preact/compat";
import type { JSX } from "preact";

import type { Pending, Said } from "../app/port";
import { Avatar } from "./avatar";
import { useNow } from "./connection";
import { usePort, useWords, wordsFor } from "./context";
import { Markup } from "./markup";
import { clock, full } from "./times";

interface SaidProps {
  readonly said: Said;
  /** Whether it goes on what the same person said just before. */
  readonly goesOn: boolean;
  readonly language: string;
}

export const Message = memo(function Message({ said, goesOn }: SaidProps): JSX.Element {
  const words = useWords();
  return (
    <article class={goesOn ? "message goes-on" : "message"} data-seq={said.seq} data-row={`s${said.seq}`} aria-label={`${said.sender}, ${clock(said.atMs, words)}`}>
      {goesOn ? (
        <time class="aside" dateTime={new Date(said.atMs).toISOString()} title={full(said.atMs, words)}>
          {clock(said.atMs, words)}
        </time>
      ) : (
        <Avatar name={said.sender} />
      )}
      <div class="said">
        {!goesOn && (
          <p class="by">
            <a class="sender" href={`#/person/${encodeURIComponent(said.sender)}`}>
              {said.sender}
            </a>
            <time dateTime={new Date(said.atMs).toISOString()} title={full(said.atMs, words)}>
              {clock(said.atMs, words)}
            </time>
          </p>
        )}
        <Markup text={said.text} />
      </div>
    </article>
  );
});

interface PendingProps {
  readonly pending: Pending;
  readonly user: string;
  readonly goesOn: boolean;
}

export function PendingMessage({ pending, user, goesOn }: PendingProps): JSX.Element {
  return (
    <article
      class={`message pending ${pending.state}${goesOn ? " goes-on" : ""}`}
      data-key={pending.key}
      data-state={pending.state}
      data-row={`p${pending.key}`}
      aria-label={user}
    >
      {goesOn ? <span class="aside" /> : <Avatar name={user} />}
      <div class="said">
        {!goesOn && (
          <p class="by">
            <span class="sender">{user}</span>
          </p>
        )}
        <Markup text={pending.text} />
        <Fate pending={pending} />
      </div>
    </article>
  );
}

function Fate({ pending }: { readonly pending: Pending }): JSX.Element {
  const { acts } = usePort();
  const words = useWords();
  const { state, trouble, key } = pending;
  const asked = state === "waiting" ? trouble?.retryAfterSeconds : undefined;
  useNow(asked !== undefined);
  if (state === "failed") {
    return (
      <p class="fate" role="alert">
        <strong>{words.failed}.</strong> {trouble && wordsFor(trouble, words)}
        <button type="button" class="link" onClick={() => acts.retry(key)}>
          {words.retry}
        </button>
        <button type="button" class="link" onClick={() => acts.discard(key)}>
          {words.discard}
        </button>
      </p>
    );
  }
  return <p class="fate">{state === "sending" ? words.sending : asked !== undefined ? words.waitingFor(Math.ceil(asked)) : words.waiting}</p>;
}
