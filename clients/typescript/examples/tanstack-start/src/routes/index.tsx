import { createFileRoute } from "@tanstack/react-router";
import { createServerFn } from "@tanstack/react-start";

import { Account } from "../Account";

const who = createServerFn().handler(({ context }) => context.auth);

export const Route = createFileRoute("/")({ loader: async () => ({ auth: await who() }), component: Home });

function Home() {
  const { auth } = Route.useLoaderData();
  return (
    <>
      <p id="server">{auth.state === "authenticated" ? auth.user.email : auth.state}</p>
      <Account />
    </>
  );
}
