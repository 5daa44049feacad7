/** How the connection stands, in words: nobody has to guess whether what they wrote has gone out. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

import type { Connection } from "../app/port";
import type { Words } from "../words";
import { usePort, useWords } from "./context";

export function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}

function text(connection: Connection, nowMs: number, words: Words): string {
  switch (connection.state) {
    case "live":
      return words.live;
    case "connecting":
      return words.connecting;
    case "offline":
      return words.offline;
    case "waiting":
      return words.reconnecting(Math.max(1, Math.ceil((connection.atMs - nowMs) / 1000)));
  }
}

export function ConnectionState(): JSX.Element {
  const { connection, acts } = usePort();
  const words = useWords();
  const now = useNow(connection.value.state === "waiting");
  const state = connection.value.state;
  return (
    <div class={`connection ${state}`}>
      <span role="status" data-connection={state}>
        <span class="dot" aria-hidden="true" />
        {text(connection.value, now, words)}
      </span>
      {state === "waiting" && (
        <button type="button" class="link" onClick={acts.reconnect}>
          {words.tryNow}
        </button>
      )}
    </div>
  );
}
