import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

// Where the proxy leads.
const service = process.env["DOORWARD_URL"] ?? "http://localhost:8000";
const client = (file: string) => fileURLToPath(new URL(`../typescript/src/${file}`, import.meta.url));

export default defineConfig({
  resolve: {
    // The client as it stands beside this folder; an application of yours installs the package instead.
    alias: [
      { find: "@doorward/client/account", replacement: client("account.ts") },
      { find: "@doorward/client/react/factors", replacement: client("react-factors.tsx") },
      { find: "@doorward/client/react", replacement: client("react.tsx") },
      { find: "@doorward/client", replacement: client("index.ts") },
    ],
    dedupe: ["react", "react-dom"],
  },
  esbuild: { jsx: "automatic" },
  // With VITE_DOORWARD_URL= (empty) page and service share this origin.
  server: { port: 3000, proxy: { "/api/auth": service } },
});
