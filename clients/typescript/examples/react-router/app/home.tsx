import type { Route } from "./+types/home";
import { Account } from "./Account";
import { authContext } from "./auth";

export function loader({ context }: Route.LoaderArgs) {
  return { auth: context.get(authContext) };
}

export default function Home({ loaderData: { auth } }: Route.ComponentProps) {
  return (
    <>
      <p id="server">{auth.state === "authenticated" ? auth.user.email : auth.state}</p>
      <Account />
    </>
  );
}
