/** Signing in, and making an account: one form, and what this place promises beside it. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import type { Session, Trouble } from "../app/port";
import { usePort, useWords, wordsFor } from "./context";
import { CheckIcon, Mark } from "./icons";

interface Problem {
  readonly text: string;
  /** The field that has to be changed, when it is one. */
  readonly field?: "name" | "password";
}

export function Entrance({ why }: { readonly why: Extract<Session, { state: "out" }>["why"] }): JSX.Element {
  const { acts } = usePort();
  const words = useWords();
  const id = useId();
  const fields = { name: useRef<HTMLInputElement>(null), password: useRef<HTMLInputElement>(null) };
  const [isNew, setNew] = useState(false);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const told = { never: "", "signed-out": words.signedOut, expired: words.sessionExpired, disabled: words.accountDisabled }[why];
  useEffect(() => fields.name.current?.focus(), [isNew]);
  useEffect(() => {
    if (problem?.field) fields[problem.field].current?.focus();
  }, [problem]);

  const check = (): Problem | null => {
    if (isNew && !/^[a-z0-9][a-z0-9._-]{0,31}$/i.test(name.trim())) return { text: words.nameForm, field: "name" };
    if (isNew && [...password].length < 8) return { text: words.passwordShort, field: "password" };
    return null;
  };
  const refused = (trouble: Trouble): Problem => ({
    text: wordsFor(trouble, words),
    ...(trouble.code === "name-taken" ? { field: "name" } : {}),
  });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    const wrong = check();
    setProblem(wrong);
    if (wrong) return;
    setBusy(true);
    const done = await (isNew ? acts.signUp : acts.signIn)(name.trim(), password);
    setBusy(false);
    if (!done.ok) setProblem(refused(done.trouble));
  };
  const describes = (field: "name" | "password"): string =>
    [isNew && `${id}-${field}-hint`, problem?.field === field && `${id}-problem`].filter(Boolean).join(" ");

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
          ref={fields.name}
          id={`${id}-name`}
          name="username"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          maxLength={64}
          required
          value={name}
          aria-describedby={describes("name")}
          aria-invalid={problem?.field === "name"}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        {isNew && (
          <p class="hint" id={`${id}-name-hint`}>
            {words.userNameHint}
          </p>
        )}
        <label for={`${id}-password`}>{words.password}</label>
        <input
          ref={fields.password}
          id={`${id}-password`}
          name="password"
          type="password"
          autocomplete={isNew ? "new-password" : "current-password"}
          required
          value={password}
          aria-describedby={describes("password")}
          aria-invalid={problem?.field === "password"}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
        {isNew && (
          <p class="hint" id={`${id}-password-hint`}>
            {words.passwordHint}
          </p>
        )}
        {problem && (
          <p class="trouble" role="alert" id={`${id}-problem`}>
            {problem.text}
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
            setProblem(null);
          }}
        >
          {isNew ? words.toSignIn : words.toSignUp}
        </button>
      </form>
    </main>
  );
}
