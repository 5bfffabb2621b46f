import { svelte } from "@sveltejs/vite-plugin-svelte";

export default {
  plugins: [svelte()],
  server: { proxy: { "/api/auth": { target: process.env["DOORWARD_URL"] ?? "http://localhost:8000", changeOrigin: false } } },
};
