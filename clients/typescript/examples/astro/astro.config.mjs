import node from "@astrojs/node";
import { defineConfig } from "astro/config";

export default defineConfig({
  output: "server",
  adapter: node({ mode: "standalone" }),
  // While developing. In production the proxy in front leads /api/auth/ to the service.
  vite: { server: { proxy: { "/api/auth": { target: process.env.DOORWARD_URL ?? "http://localhost:8000", changeOrigin: false } } } },
});
