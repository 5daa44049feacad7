import { defineConfig } from "vite";

/** The client module as one file that other pages import: /assets/hubbub.js. */
export default defineConfig({
  build: {
    outDir: "../src/hubbub/web",
    emptyOutDir: false,
    copyPublicDir: false,
    target: "es2022",
    minify: false,
    lib: { entry: "client/index.ts", formats: ["es"], fileName: () => "assets/hubbub.js" },
  },
});
