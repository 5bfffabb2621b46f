import type { ReactNode } from "react";
import { Outlet, Scripts } from "react-router";

import { renewAuthState } from "@doorward/client/server";

import type { Route } from "./+types/root";
import { authContext } from "./auth";

const baseUrl = process.env["DOORWARD_URL"] ?? "http://localhost:8000";

/** Who asks, once for all loaders; a session whose access token has run out is renewed on the way. */
export const middleware: Route.MiddlewareFunction[] = [
  async ({ request, context }, next) => {
    const auth = await renewAuthState({ baseUrl, headers: request.headers });
    context.set(authContext, auth);
    const response = await next();
    for (const cookie of auth.setCookies) response.headers.append("Set-Cookie", cookie);
    return response;
  },
];

export function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        {children}
        <Scripts />
      </body>
    </html>
  );
}

export default function Root() {
  return <Outlet />;
}
