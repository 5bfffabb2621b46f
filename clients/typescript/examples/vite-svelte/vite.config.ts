import { svelte } from "@sveltejs/vite-plugin-svelte";

export default {
  plugins: [svelte()],
  server: { proxy: { "/api/auth": process.env["DOORWARD_URL"] ?? "http://localhost:8000" } },
};
