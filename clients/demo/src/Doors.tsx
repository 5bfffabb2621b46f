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
        New here? <a href="/#/register">Make an account</a>
      </p>
      <p>
        <a href="/#/forgot">Forgot your password?</a>
      </p>
    </section>
  );
}

export function Register(): ReactNode {
  const { register } = useAuth();
  const [said, setSaid] = useState("");
  return (
    <section className="card">
      <h1>Make an account</h1>
      <Form
        button="Register"
        send={async ({ email = "", password = "", full_name = "" }) => {
          const result = await register({ email, password, full_name: full_name || null });
          // `EMAIL_VERIFICATION=required`: nobody is logged in, and a mail says how it goes on.
          setSaid(result.ok && "message" in result.data ? result.data.message : "");
          return result;
        }}
      >
        {(errors) => (
          <>
            <Field label="Name (optional)" name="full_name" autoComplete="name" error={errors["full_name"]} />
            <Field label="Email" name="email" type="email" autoComplete="username" error={errors["email"]} />
            <NewPassword name="password" error={errors["password"]} />
          </>
        )}
      </Form>
      <div role="status">{said && <p>{said}</p>}</div>
      <p>
        You have one? <a href="/#/">Log in</a>
      </p>
    </section>
  );
}

/** Whether the address has an account is not told. */
export function Forgot(): ReactNode {
  const { client } = useAuth();
  const [said, setSaid] = useState("");
  return (
    <section className="card">
      <h1>Forgot your password?</h1>
      <Form
        button="Mail me a link"
        send={async ({ email = "" }) => {
          const result = await account(client).forgotPassword({ email });
          setSaid(result.ok ? result.data.message : "");
          return result;
        }}
      >
        {(errors) => <Field label="Email" name="email" type="email" autoComplete="username" error={errors["email"]} />}
      </Form>
      <div role="status">{said && <p>{said}</p>}</div>
      <p>
        <a href="/#/">Log in</a>
      </p>
    </section>
  );
}
