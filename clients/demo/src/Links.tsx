// The pages that the links of mails lead to. None does anything by being opened: scanners open every link.

import { useState } from "react";
import type { ReactNode } from "react";

import { account } from "@doorward/client/account";
import { useAuth } from "@doorward/client/react";

import { Login } from "./Doors";
import { Form, NewPassword } from "./forms";
import type { Link } from "./link";
import { FollowRecovery } from "./Recovery";

export function LinkPage({ link: { page, word, token } }: { link: Link }): ReactNode {
  if (!token) return <NoToken />;
  switch (page) {
    case "/reset":
      return <Reset token={token} />;
    case "/verify":
      return <Verify token={token} />;
    case "/email":
      return word === "restore" ? <TakeBack token={token} /> : <ConfirmChange token={token} />;
    case "/not-me":
      return <NotMe token={token} />;
    case "/factor-recovery":
      return <FollowRecovery word={word} token={token} />;
  }
}

function NoToken(): ReactNode {
  return (
    <section className="card">
      <h1>Open the link again</h1>
      <p>This page works with the link in the mail, which is not kept here.</p>
    </section>
  );
}

/** `RESET_URL#token=..` */
function Reset({ token }: { token: string }): ReactNode {
  const { client } = useAuth();
  const [done, setDone] = useState(false);
  return (
    <section className="card">
      <h1>Set a new password</h1>
      {done ? (
        <Done said="Your password is set." />
      ) : (
        <>
          <Form
            button="Set password"
            send={({ new_password = "" }) => account(client).resetPassword({ token, new_password })}
            done={() => setDone(true)}
          >
            {(errors) => <NewPassword name="new_password" error={errors["new_password"]} />}
          </Form>
          <p>
            The link works once, for half an hour. <a href="/#/forgot">Ask for another one</a>
          </p>
        </>
      )}
    </section>
  );
}

/** `VERIFY_URL#token=..`: an address is confirmed, or an account made. Who is not logged in to it sets a password. */
function Verify({ token }: { token: string }): ReactNode {
  const { client, user } = useAuth();
  // Whose account the link is about is told by the service alone.
  const [isOther, setOther] = useState(false);
  const [done, setDone] = useState(false);
  const needsPassword = !user || isOther;

  async function send({ new_password }: Record<string, string>) {
    const result = await account(client).verifyEmail(new_password ? { token, new_password } : { token });
    if (result.ok) await client.me();
    else if (result.kind === "problem" && result.problem.code === "validation_failed") setOther(true);
    return result;
  }

  return (
    <section className="card">
      <h1>Confirm your address</h1>
      {done ? (
        <Done said="Your address is confirmed." />
      ) : (
        <>
          <p className="hint">
            {needsPassword ? "Set the password of your account: nobody who used your address before you keeps it." : "You are logged in."}
          </p>
          <Form button="Confirm" send={send} done={() => setDone(true)}>
            {(errors) => needsPassword && <NewPassword name="new_password" error={errors["new_password"]} />}
          </Form>
        </>
      )}
    </section>
  );
}

/** `EMAIL_CHANGE_URL#token=..`: only who asked for it can use it. */
function ConfirmChange({ token }: { token: string }): ReactNode {
  const { client, user } = useAuth();
  const [done, setDone] = useState(false);
  if (!user) {
    return (
      <>
        <p className="notice">Log in with your present address to have the new one.</p>
        <Login />
      </>
    );
  }
  async function send() {
    const result = await account(client).confirmEmailChange({ token });
    if (result.ok) await client.me();
    return result;
  }
  return (
    <section className="card">
      <h1>Your new address</h1>
      {done ? (
        <Done said={`Your address is ${user.email}.`} />
      ) : (
        <>
          <p className="hint">Now it is {user.email}.</p>
          <Form button="Use the new address" send={send} done={() => setDone(true)}>
            {() => null}
          </Form>
        </>
      )}
    </section>
  );
}

/** `EMAIL_CHANGE_URL#restore=..`: the way back of an account that was moved to another address. */
function TakeBack({ token }: { token: string }): ReactNode {
  const { client } = useAuth();
  const [done, setDone] = useState(false);

  async function send({ new_password = "" }: Record<string, string>) {
    const result = await account(client).restoreEmail({ token, new_password });
    // Whoever was logged in to the account is no more.
    if (result.ok) await client.me();
    return result;
  }

  return (
    <section className="card">
      <h1>Take your account back</h1>
      {done ? (
        <Done said="The account has your address again, and the password that you have set." />
      ) : (
        <>
          <p className="hint">It gets this address again and a new password, and everybody is logged out of it.</p>
          <Form button="Take it back" send={send} done={() => setDone(true)}>
            {(errors) => <NewPassword name="new_password" error={errors["new_password"]} />}
          </Form>
        </>
      )}
    </section>
  );
}

/** `NOT_ME_URL#token=..` */
function NotMe({ token }: { token: string }): ReactNode {
  const { client } = useAuth();
  const [said, setSaid] = useState("");

  async function send() {
    const result = await account(client).reportNotMe({ token });
    if (result.ok) {
      setSaid(result.data.message);
      await client.me();
    }
    return result;
  }

  return (
    <section className="card">
      <h1>Was it not you?</h1>
      {said ? (
        <p role="status">{said}</p>
      ) : (
        <>
          <p className="hint">Everybody is logged out of your account, and you get a mail with a link that sets a new password.</p>
          <Form button="It was not me" danger send={send}>
            {() => null}
          </Form>
        </>
      )}
    </section>
  );
}

function Done({ said }: { said: string }): ReactNode {
  const { user } = useAuth();
  return (
    <p role="status">
      {said} <a href="/#/">{user ? "Go on" : "Log in"}</a>
    </p>
  );
}
