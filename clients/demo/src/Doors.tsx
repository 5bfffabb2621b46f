import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";

import { account } from "@doorward/client/account";
import { useAuth } from "@doorward/client/react";
import { useLogin, usePasskeys } from "@doorward/client/react/factors";

import { useArrival } from "./Arrival";
import { CodeField, codeOf } from "./Codes";
import { Enrol } from "./Enrol";
import { Field, Form, NewPassword } from "./forms";
import { PasskeyButton, told } from "./Passkeys";
import { AskRecovery } from "./Recovery";

/** By the password, and what is wanted beside it. */
export function Login(): ReactNode {
  const by = useLogin();
  const { setArrival } = useArrival();
  const [isUnconfirmed, setUnconfirmed] = useState(false);
  const passkey = usePasskeyLogin(by.step === "password");
  if (by.step === "second-factor") return <SecondFactor by={by} />;
  if (by.step === "enrolment") {
    return (
      <Enrol
        title={
          <>
            <h1>One thing more</h1>
            <p>Everybody needs a second factor here. Set yours up, and you are logged in.</p>
          </>
        }
        enrol={by.enrolTotp}
        confirm={by.confirmTotp}
        addPasskey={by.methods.includes("passkey") && by.addPasskey}
        done={(recoveryCodes) => setArrival(recoveryCodes ? { recoveryCodes } : {})}
        cancel={by.again}
      />
    );
  }
  return (
    <section className="card">
      <h1>Log in</h1>
      <div role="status">{by.lapsed && <p className="notice">That took too long. Please begin again.</p>}</div>
      <Form
        button="Log in"
        send={async ({ email = "", password = "" }) => {
          const result = await by.login({ email, password });
          setUnconfirmed(!result.ok && result.kind === "problem" && result.problem.code === "email_not_verified");
          return result;
        }}
      >
        {(errors) => (
          <>
            <Field label="Email" name="email" type="email" autoComplete="username webauthn" error={errors["email"]} />
            <Field label="Password" name="password" type="password" autoComplete="current-password" error={errors["password"]} />
          </>
        )}
      </Form>
      {passkey.isThere && (
        <p>
          <button type="button" className="plain" onClick={passkey.press}>
            Log in with a passkey
          </button>
        </p>
      )}
      <div role="alert">{passkey.failed && <p className="error">{passkey.failed}</p>}</div>
      {isUnconfirmed && (
        <p>
          Is the address mistyped? <a href="/#/correct">Correct it</a>
        </p>
      )}
      <p>
        New here? <a href="/#/register">Make an account</a>
      </p>
      <p>
        <a href="/#/forgot">Forgot your password?</a>
      </p>
    </section>
  );
}

/** By a button, and in the autofill of the field for the email for as long as nothing else is asked. */
function usePasskeyLogin(isAsked: boolean) {
  const { login, support } = usePasskeys();
  const [isThere, setThere] = useState(false);
  const [failed, setFailed] = useState("");
  const [round, setRound] = useState(0);
  const presses = useRef(0);
  const pressing = useRef(false);

  useEffect(() => {
    if (!isAsked) return;
    const leave = new AbortController();
    void (async () => {
      const can = await support();
      if (leave.signal.aborted) return;
      setThere(can.passkeys);
      // It would end what a press has begun meanwhile; when that comes to nothing this is done again.
      if (!can.autofill || pressing.current) return;
      const result = await login({ autofill: true, signal: leave.signal });
      // What ended by itself takes no message away.
      if (leave.signal.aborted || result.ok || result.kind === "cancelled") return;
      // Nobody has asked for anything, where the service has none.
      if (result.kind !== "problem" || result.problem.code !== "passkeys_unavailable") setFailed(told(result));
      // One that was refused: the others are offered again.
      if (result.kind === "problem" && result.status === 401) setRound((before) => before + 1);
    })();
    return () => leave.abort();
  }, [isAsked, round, login, support]);

  async function press() {
    const own = ++presses.current;
    pressing.current = true;
    const result = await login();
    // Ended by another press, which autofill must not end.
    if (own !== presses.current) return;
    pressing.current = false;
    setFailed(told(result));
    if (!result.ok) setRound((before) => before + 1);
  }
  return { isThere, failed, press: () => void press() };
}

function SecondFactor({ by }: { by: ReturnType<typeof useLogin> }): ReactNode {
  const { setArrival } = useArrival();
  const [isRecovery, setRecovery] = useState(!by.methods.includes("totp"));
  const [isLost, setLost] = useState(false);
  if (isLost) return <AskRecovery ask={by.askRecovery} back={() => setLost(false)} />;

  async function send(values: Record<string, string>) {
    const held = codeOf(values);
    const result = await by.secondFactor(held);
    if (result.ok) {
      const byRecoveryCode = "recovery_code" in held;
      setArrival({ said: result.data.message, byRecoveryCode });
      if (byRecoveryCode) location.hash = "#/security";
    }
    return result;
  }

  return (
    <section className="card">
      <h1>Your second step</h1>
      {by.methods.includes("passkey") && <PasskeyButton text="Use a passkey" touch={by.secondFactorByPasskey} />}
      <Form button="Log in" send={send}>
        {(errors) => <CodeField isRecovery={isRecovery} setRecovery={setRecovery} errors={errors} autoFocus />}
      </Form>
      <p className="row">
        <button type="button" className="plain" onClick={() => setLost(true)}>
          I have lost all of these
        </button>
        <button type="button" className="plain" onClick={by.again}>
          Somebody else
        </button>
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

/** For who can't log in since the mails go to an address that is not theirs. Whether the new one has an account is not told. */
export function Correct(): ReactNode {
  const { client } = useAuth();
  const [said, setSaid] = useState("");
  return (
    <section className="card">
      <h1>Correct your address</h1>
      <p className="hint">A link is mailed to the right one. It confirms it, and sets a new password.</p>
      <Form
        button="Mail me a link there"
        send={async ({ email = "", password = "", new_email = "" }) => {
          const result = await account(client).correctEmail({ email, password, new_email });
          setSaid(result.ok ? result.data.message : "");
          return result;
        }}
      >
        {(errors) => (
          <>
            <Field label="Address with the mistake" name="email" type="email" autoComplete="username" error={errors["email"]} />
            <Field label="Password" name="password" type="password" autoComplete="current-password" error={errors["password"]} />
            <Field label="Right address" name="new_email" type="email" autoComplete="email" error={errors["new_email"]} />
          </>
        )}
      </Form>
      <div role="status">{said && <p>{said}</p>}</div>
      <p>
        <a href="/#/">Log in</a>
      </p>
    </section>
  );
}
