import type { NextConfig } from "next";

// Read when the application is built.
const service = process.env["DOORWARD_URL"] ?? "http://localhost:8000";

const config: NextConfig = {
  cacheComponents: true,
  rewrites: async () => [{ source: "/api/auth/:path*", destination: `${service}/api/auth/:path*` }],
};

export default config;
