import { useState } from "react";
import type { ReactNode } from "react";

import { account } from "@doorward/client/account";
import { useAuth } from "@doorward/client/react";

import { Field, Form, NewPassword } from "./forms";

export function Login(): ReactNode {
  const { login } = useAuth();
  return (
    <section className="card">
      <h1>Log in</h1>
      <Form button="Log in" send={({ email = "", password = "" }) => login({ email, password })}>
        {(errors) => (
          <>
            <Field label="Email" name="email" type="email" autoComplete="username" error={errors["email"]} />
            <Field label="Password" name="password" type="password" autoComplete="current-password" error={errors["password"]} />
          </>
        )}
      </Form>
      <p>
        New here? <a href="#/register">Make an account</a>
      </p>
    </section>
  );
}

export function Register(): ReactNode {
  const { register } = useAuth();
  return (
    <section className="card">
      <h1>Make an account</h1>
      <Form
        button="Register"
        send={({ email = "", password = "", full_name = "" }) => register({ email, password, full_name: full_name || null })}
      >
        {(errors) => (
          <>
            <Field label="Name (optional)" name="full_name" autoComplete="name" error={errors["full_name"]} />
            <Field label="Email" name="email" type="email" autoComplete="username" error={errors["email"]} />
            <NewPassword name="password" error={errors["password"]} />
          </>
        )}
      </Form>
      <p>
        You have one? <a href="#/">Log in</a>
      </p>
    </section>
  );
}

/** Where a reset link leads: `RESET_URL#token=..`. */
export function Reset({ token }: { token: string }): ReactNode {
  const { client } = useAuth();
  const [done, setDone] = useState(false);
  return (
    <section className="card">
      <h1>Set a new password</h1>
      {done ? (
        <p role="status">
          Done. <a href="#/">Log in with it</a>
        </p>
      ) : (
        <Form
          button="Set password"
          send={({ new_password = "" }) => account(client).resetPassword({ token, new_password })}
          done={() => setDone(true)}
        >
          {(errors) => <NewPassword name="new_password" error={errors["new_password"]} />}
        </Form>
      )}
    </section>
  );
}
