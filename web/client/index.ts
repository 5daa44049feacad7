export { Backoff } from "./backoff";
export { Client, newKey } from "./client";
export type { Asked, ClientOptions, Page, Source, Target } from "./client";
export type { Wish } from "./cursors";
export type { Transport, WhyBehind } from "./effects";
export { connect, Listener } from "./listener";
export type { Handlers, LineState, ListenerEnvironment } from "./listener";
export { Problem } from "./problem";
export type * from "./wire";
