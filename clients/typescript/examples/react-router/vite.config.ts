import { reactRouter } from "@react-router/dev/vite";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [reactRouter()],
  // While developing. In production the proxy in front leads /api/auth/ to the service.
  server: { proxy: { "/api/auth": { target: process.env["DOORWARD_URL"] ?? "http://localhost:8000", changeOrigin: false } } },
});
