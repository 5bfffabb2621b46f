import { createAuthClient } from "@doorward/client";
import { AuthProvider, useAuth } from "@doorward/client/react";

// The proxy leads to the service.
const client = createAuthClient();

function Form() {
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

export function Account() {
  return (
    <AuthProvider client={client}>
      <Form />
    </AuthProvider>
  );
}
