import { headers } from "next/headers";
import { Suspense } from "react";

import { getAuthState } from "@doorward/client/server";

import { Account } from "./Account";

/** What the server knows, before the page comes alive. */
async function Greeting() {
  const auth = await getAuthState({ baseUrl: process.env["DOORWARD_URL"] ?? "http://localhost:8000", headers: await headers() });
  return <p id="server">{auth.state === "authenticated" ? auth.user.email : auth.state}</p>;
}

export default function Page() {
  return (
    <>
      <Suspense fallback={<p>…</p>}>
        <Greeting />
      </Suspense>
      <Account />
    </>
  );
}
