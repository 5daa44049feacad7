/** Addresses: `#/`, `#/settings`, `#/room/ID`, `#/person/NAME`. Pure. */
import type { Route } from "./port";

export function routeOf(hash: string): Route {
  const [, kind, name] = /^#\/([a-z]+)(?:\/(.+))?$/.exec(hash) ?? [];
  if (kind === "settings" && name === undefined) return { at: "settings" };
  const given = name === undefined ? "" : decoded(name);
  if (kind === "room" && /^[A-Za-z0-9_-]{1,64}$/.test(given)) return { at: "place", place: { kind: "room", id: given } };
  if (kind === "person" && /^[a-z0-9][a-z0-9._-]{0,31}$/i.test(given)) {
    return { at: "place", place: { kind: "person", name: given.toLowerCase() } };
  }
  return { at: "start" };
}

export function hashOf(route: Route): string {
  switch (route.at) {
    case "start":
      return "#/";
    case "settings":
      return "#/settings";
    case "place":
      return route.place.kind === "room"
        ? `#/room/${encodeURIComponent(route.place.id)}`
        : `#/person/${encodeURIComponent(route.place.name)}`;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
