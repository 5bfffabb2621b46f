// All that the second step could be done by is lost: a mail begins its removal, mails tell of it each day and stop it, and the last one removes it.

import { useState } from "react";
import type { ReactNode } from "react";

import { account } from "@doorward/client/account";
import { useAuth } from "@doorward/client/react";
import type { Login } from "@doorward/client/react/factors";

import { Card, Form } from "./forms";
import type { Link } from "./link";

/** In place of the second step, where the password was right. */
export function AskRecovery({ ask, back }: { ask: Login["askRecovery"]; back: () => void }): ReactNode {
  const [said, setSaid] = useState("");

  async function send() {
    const result = await ask();
    if (result.ok) setSaid(result.data.message);
    return result;
  }

  return (
    <Card>
      <h1>Have you lost your second step?</h1>
      {said ? (
        <p role="status">{said}</p>
      ) : (
        <>
          <p className="hint">
            A recovery code is the quick way. If you have none left, we mail you a link that begins the removal of your second step. It takes a few
            days, so that nobody else can do it unseen.
          </p>
          <Form button="Mail me a link" send={send}>
            {() => null}
          </Form>
        </>
      )}
      <p>
        <button type="button" className="plain" onClick={back}>
          Back to the code
        </button>
      </p>
    </Card>
  );
}

const STEPS = {
  start: {
    title: "Begin the removal",
    hint: "The wait begins, and a mail tells you of it each day. If you find your app or a recovery code meanwhile, log in with it: that stops it.",
    button: "Begin",
  },
  cancel: { title: "Stop the removal", hint: "Your account keeps its second step, and each login asks for it.", button: "Stop it" },
  remove: {
    title: "Remove your second step",
    hint: "Everybody is logged out of your account, and then your password is enough. Set up a new second step when you have logged in.",
    button: "Remove it",
  },
};

/** `FACTOR_RECOVERY_URL#start=..`, `#cancel=..` or `#remove=..` */
export function FollowRecovery({ word, token }: Pick<Link, "word" | "token">): ReactNode {
  const { client, user } = useAuth();
  const [said, setSaid] = useState("");
  const { title, hint, button } = STEPS[word as keyof typeof STEPS] ?? STEPS.start;

  async function send() {
    const result = await account(client).followFactorRecovery({ token });
    if (result.ok) {
      const { due_at, message } = result.data;
      setSaid(due_at ? `${message} That is ${new Date(due_at).toLocaleString()}.` : message);
      // Whoever was logged in to the account may be no more.
      await client.me();
    }
    return result;
  }

  return (
    <section className="card">
      <h1>{title}</h1>
      {said ? (
        <>
          <p role="status">{said}</p>
          {word === "cancel" ? (
            <p>
              Was it not you who asked for it? Somebody knows your password. <a href="/#/forgot">Set a new one</a>
            </p>
          ) : (
            <p>
              <a href="/#/">{user ? "Go on" : "Log in"}</a>
            </p>
          )}
        </>
      ) : (
        <>
          <p className="hint">{hint}</p>
          <Form button={button} danger={word === "remove"} send={send}>
            {() => null}
          </Form>
        </>
      )}
    </section>
  );
}
