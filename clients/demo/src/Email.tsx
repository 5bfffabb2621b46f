import { useState } from "react";
import type { ReactNode } from "react";

import { sentence } from "@doorward/client";
import { account } from "@doorward/client/account";
import { useAuth } from "@doorward/client/react";

import { Field, Form } from "./forms";
import { useProof } from "./Proof";

/** One's address: whether it is confirmed, and another one. */
export function Email(): ReactNode {
  const { user, client } = useAuth();
  const [said, setSaid] = useState("");
  if (!user) return null;

  async function sendAgain() {
    const result = await account(client).sendVerification();
    setSaid(result.ok ? result.data.message : sentence(result));
  }

  return (
    <>
      <section className="card">
        <h1>Your address</h1>
        <p>
          {user.email} <span className="badge">{user.email_verified ? "confirmed" : "not confirmed"}</span>
        </p>
        {!user.email_verified && <button onClick={() => void sendAgain()}>Mail me a link that confirms it</button>}
        <div role="status">{said && <p>{said}</p>}</div>
      </section>
      <Change id={user.id} now={user.email} />
    </>
  );
}

/** The address stays until the new one is confirmed; the page remembers what was asked for, for as long as its tab lives. */
function Change({ id, now }: { id: number; now: string }): ReactNode {
  const { client } = useAuth();
  const proved = useProof();
  const key = `pending-email:${id}`;
  const [pending, setPending] = useState(() => sessionStorage.getItem(key));

  async function send({ email = "", current_password = "" }: Record<string, string>) {
    const result = await proved(() => account(client).changeEmail({ email, current_password }));
    if (result.ok) {
      sessionStorage.setItem(key, email);
      setPending(email);
    }
    return result;
  }

  return (
    <section className="card">
      <h2>Another address</h2>
      <div role="status">
        {pending && pending.toLowerCase() !== now && (
          <p className="notice">
            A link is on its way to {pending}. Your address is {now} until you have opened it, in a browser where you are logged in.
          </p>
        )}
      </div>
      <Form button="Change address" send={send}>
        {(errors) => (
          <>
            <Field label="New address" name="email" type="email" autoComplete="email" error={errors["email"]} />
            <Field
              label="Password"
              name="current_password"
              type="password"
              autoComplete="current-password"
              error={errors["current_password"]}
            />
          </>
        )}
      </Form>
    </section>
  );
}
