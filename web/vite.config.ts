import { defineConfig } from "vitest/config";

const SERVER = process.env["HUBBUB_SERVER"] ?? "http://127.0.0.1:8080";

/** What the server answers and Vite's own server does not. The server wants its own origin named. */
const PROXIED = ["/users", "/user", "/sessions", "/rooms", "/room", "/inbox", "/marks", "/conversations", "/subscribe"];

const proxy = Object.fromEntries(
  [...PROXIED, "/ws"].map((path) => [
    path,
    { target: SERVER, changeOrigin: true, ws: true, headers: { origin: SERVER } },
  ]),
);

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  server: { host: "127.0.0.1", proxy },
  build: {
    outDir: "../src/hubbub/web",
    emptyOutDir: true,
    target: ["chrome120", "firefox121", "safari17"],
    // The page's policy lets it load nothing from a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  // Time decides no test: what meets this hangs.
  test: { include: ["client/**/*.test.ts", "src/**/*.test.{ts,tsx}"], testTimeout: 120_000, hookTimeout: 120_000 },
});
