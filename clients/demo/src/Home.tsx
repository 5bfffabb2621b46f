import { useState } from "react";
import type { ReactNode } from "react";

import { useAuth } from "@doorward/client/react";

import { Field, Form } from "./forms";

/** Only who is logged in comes here. */
export function Home(): ReactNode {
  const { user, client } = useAuth();
  const [saved, setSaved] = useState(false);
  if (!user) return null;
  return (
    <>
      <section className="card">
        <h1>Welcome{user.full_name ? `, ${user.full_name}` : ""}</h1>
        <dl>
          <dt>Email</dt>
          <dd>
            {user.email} {!user.email_verified && <a href="/#/email">Confirm it</a>}
          </dd>
          <dt>Here since</dt>
          <dd>{new Date(user.created_at).toLocaleDateString()}</dd>
          <dt>Last login</dt>
          <dd>{user.last_login ? new Date(user.last_login).toLocaleString() : "never"}</dd>
        </dl>
      </section>
      <section className="card">
        <h2>Your name</h2>
        <Form
          button="Save"
          send={({ full_name = "" }) => client.updateMe({ full_name: full_name || null })}
          done={() => setSaved(true)}
        >
          {(errors) => (
            <Field label="Name" name="full_name" autoComplete="name" defaultValue={user.full_name ?? ""} error={errors["full_name"]} />
          )}
        </Form>
        <div role="status">{saved && <p>Saved.</p>}</div>
      </section>
    </>
  );
}
