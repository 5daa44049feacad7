/** Signing in, and making an account: one form, and what this place promises beside it. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import type { Session, Trouble } from "../app/port";
import { usePort, useWords, wordsFor } from "./context";
import { CheckIcon, Mark } from "./icons";

export function Entrance({ why }: { readonly why: Extract<Session, { state: "out" }>["why"] }): JSX.Element {
  const { acts } = usePort();
  const words = useWords();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [isNew, setNew] = useState(false);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const told = { never: "", "signed-out": words.signedOut, expired: words.sessionExpired, disabled: words.accountDisabled }[why];
  useEffect(() => field.current?.focus(), [isNew]);

  const check = (): string => {
    if (isNew && !/^[a-z0-9][a-z0-9._-]{0,31}$/i.test(name.trim())) return words.nameForm;
    if (isNew && [...password].length < 8) return words.passwordShort;
    return "";
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    const wrong = check();
    setProblem(wrong);
    if (wrong) return;
    setBusy(true);
    const done = await (isNew ? acts.signUp : acts.signIn)(name.trim(), password);
    setBusy(false);
    if (!done.ok) setProblem(textFor(done.trouble));
  };
  const textFor = (trouble: Trouble): string => wordsFor(trouble, words);

  return (
    <main class="entrance">
      <section class="promise">
        <p class="brand">
          <Mark size={36} /> hubbub
        </p>
        <p class="slogan">{words.promise}</p>
        <ul>
          {words.promises.map((each) => (
            <li>
              <CheckIcon />
              {each}
            </li>
          ))}
        </ul>
        <p class="links">
          <a href="/about">{words.forDevelopers}</a>
        </p>
      </section>
      <form class="form card" onSubmit={(event) => void submit(event)} aria-labelledby={`${id}-title`}>
        <h1 id={`${id}-title`}>{isNew ? words.signUp : words.signIn}</h1>
        {told && !problem && (
          <p class="notice" role="status">
            {told}
          </p>
        )}
        <label for={`${id}-name`}>{words.userName}</label>
        <input
          ref={field}
          id={`${id}-name`}
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          maxLength={64}
          required
          value={name}
          aria-describedby={isNew ? `${id}-name-hint` : undefined}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        {isNew && (
          <p class="hint" id={`${id}-name-hint`}>
            {words.userNameHint}
          </p>
        )}
        <label for={`${id}-password`}>{words.password}</label>
        <input
          id={`${id}-password`}
          name="password"
          type="password"
          autocomplete={isNew ? "new-password" : "current-password"}
          required
          value={password}
          aria-describedby={isNew ? `${id}-password-hint` : undefined}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
        {isNew && (
          <p class="hint" id={`${id}-password-hint`}>
            {words.passwordHint}
          </p>
        )}
        {problem && (
          <p class="trouble" role="alert">
            {problem}
          </p>
        )}
        <button class="primary" aria-busy={busy}>
          {isNew ? words.createAccount : words.signIn}
        </button>
        <button
          type="button"
          class="link"
          onClick={() => {
            setNew(!isNew);
            setProblem("");
          }}
        >
          {isNew ? words.toSignIn : words.toSignUp}
        </button>
      </form>
    </main>
  );
}
