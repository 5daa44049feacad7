export { Backoff } from "./backoff";
export { Client, newKey } from "./client";
export type { Asked, ClientOptions, Page, Source, Target } from "./client";
export { Listener } from "./listener";
export type { Handlers, ListenerEnvironment, LineState } from "./listener";
export { Problem } from "./problem";
export type * from "./wire";
