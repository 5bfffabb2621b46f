const service = process.env["DOORWARD_URL"] ?? "http://localhost:8000";

export default defineNuxtConfig({
  compatibilityDate: "2026-11-01",
  telemetry: false,
  typescript: { strict: true },
  // While developing. In production the proxy in front leads /api/auth/ to the service.
  nitro: { devProxy: { "/api/auth": { target: `${service}/api/auth`, changeOrigin: false } } },
});
