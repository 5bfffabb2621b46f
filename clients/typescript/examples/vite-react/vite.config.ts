export default {
  server: { proxy: { "/api/auth": process.env["DOORWARD_URL"] ?? "http://localhost:8000" } },
};
