import { tanstackStart } from "@tanstack/react-start/plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [tanstackStart(), react()],
  // While developing. In production the proxy in front leads /api/auth/ to the service.
  server: { proxy: { "/api/auth": { target: process.env["DOORWARD_URL"] ?? "http://localhost:8000", changeOrigin: false } } },
});
