/** A person's initial on a colour of their own, the same everywhere. The name stands beside it. */
import type { JSX } from "preact";

/** How many colours `avatar.css` has. */
const HUES = 12;

export function hueOf(name: string): number {
  let sum = 0;
  for (const sign of name) sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) % 1009;
  return sum % HUES;
}

export function Avatar({ name, small = false }: { readonly name: string; readonly small?: boolean }): JSX.Element {
  return (
    <span class={`avatar hue-${hueOf(name)}${small ? " small" : ""}`} aria-hidden="true">
      {[...name][0]?.toUpperCase() ?? "?"}
    </span>
  );
}
