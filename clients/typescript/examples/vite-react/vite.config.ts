export default {
  server: { proxy: { "/api/auth": { target: process.env["DOORWARD_URL"] ?? "http://localhost:8000", changeOrigin: false } } },
};
