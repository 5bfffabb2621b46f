import { useState } from "react";
import type { ReactNode } from "react";

import { sentence } from "@doorward/client";
import { account } from "@doorward/client/account";
import { useAuth } from "@doorward/client/react";

import { Field, Form, NewPassword } from "./forms";
import { useProof } from "./Proof";

export function Password(): ReactNode {
  const { client } = useAuth();
  const proved = useProof();
  const [changed, setChanged] = useState(false);
  return (
    <section className="card">
      <h1>Change your password</h1>
      <p className="hint">You stay logged in here, and are logged out everywhere else.</p>
      <Form
        button="Change password"
        send={({ current_password = "", new_password = "" }) => proved(() => client.changePassword({ current_password, new_password }))}
        done={() => setChanged(true)}
      >
        {(errors) => (
          <>
            <Field
              label="Current password"
              name="current_password"
              type="password"
              autoComplete="current-password"
              error={errors["current_password"]}
            />
            <NewPassword name="new_password" error={errors["new_password"]} />
          </>
        )}
      </Form>
      <div role="status">{changed && <p>Your password is changed.</p>}</div>
    </section>
  );
}

export function YourData(): ReactNode {
  const { client } = useAuth();
  const proved = useProof();
  const [failed, setFailed] = useState("");

  async function download() {
    const result = await proved(() => account(client).exportMe());
    setFailed(result.ok ? "" : sentence(result));
    if (!result.ok) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(result.data, null, 2)], { type: "application/json" }));
    link.download = "my-data.json";
    link.click();
    URL.revokeObjectURL(link.href);
  }

  return (
    <>
      <section className="card">
        <h1>Your data</h1>
        <p>Everything that is stored about you: your account, your sessions, and what happened to them.</p>
        <button onClick={() => void download()}>Download</button>
        <div role="alert">{failed && <p className="error">{failed}</p>}</div>
      </section>
      <section className="card">
        <h2>Delete your account</h2>
        <p>
          Your account and all that belongs to it are erased, for ever: at once, or, where its address was changed lately, after the week in which
          the former one can take it back.
        </p>
        <Form button="Delete my account" danger send={({ password = "" }) => proved(() => account(client).deleteMe({ password }))}>
          {(errors) => (
            <Field label="Password" name="password" type="password" autoComplete="current-password" error={errors["password"]} />
          )}
        </Form>
      </section>
    </>
  );
}
