import { createRoot } from "react-dom/client";

import { createAuthClient } from "@doorward/client";
import { AuthProvider, useAuth } from "@doorward/client/react";

// The proxy of Vite leads to the service.
const client = createAuthClient();

function Page() {
  const { user, loading, error, status, retry, login, logout } = useAuth();
  if (loading) return <p>…</p>;
  if (status === "unavailable") return <button onClick={() => retry()}>{error} Try again</button>;
  if (user) return <button onClick={() => logout()}>Log out {user.email}</button>;
  return (
    <form
      action={(form) => {
        void login({ email: String(form.get("email")), password: String(form.get("password")) });
      }}
    >
      <input name="email" type="email" autoComplete="username" />
      <input name="password" type="password" autoComplete="current-password" />
      <button>Log in</button>
      {error && <p role="alert">{error}</p>}
    </form>
  );
}

createRoot(document.getElementById("root")!).render(
  <AuthProvider client={client}>
    <Page />
  </AuthProvider>,
);
