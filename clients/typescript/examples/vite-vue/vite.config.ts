import vue from "@vitejs/plugin-vue";

export default {
  plugins: [vue()],
  server: { proxy: { "/api/auth": { target: process.env["DOORWARD_URL"] ?? "http://localhost:8000", changeOrigin: false } } },
};
