import { useState } from "react";
import type { ReactNode } from "react";

import { sentence } from "@doorward/client";
import type { Failure } from "@doorward/client";
import type { Factors, Passkeys } from "@doorward/client/react/factors";

import { AppCode } from "./Codes";
import { Card, EnrolmentCode, Form } from "./forms";
import { AddPasskey } from "./Passkeys";

type Made = Extract<Awaited<ReturnType<Factors["enrolTotp"]>>, { ok: true }>["data"];

/** An authenticator app, by its symbol or by its secret, and a code that shows that it is right; or a passkey, where that can be. */
export function Enrol({
  title,
  enrol,
  confirm,
  addPasskey,
  done,
  cancel,
}: {
  title: ReactNode;
  enrol: Factors["enrolTotp"];
  confirm: Factors["confirmTotp"];
  addPasskey?: Passkeys["add"] | false;
  done: (recoveryCodes: readonly string[] | null) => void;
  cancel: () => void;
}): ReactNode {
  const [made, setMade] = useState<Made | null>(null);
  const [failed, setFailed] = useState("");
  const [copied, setCopied] = useState("");

  async function begin() {
    const result = await enrol();
    if (result.ok) setMade(result.data);
    setFailed(result.ok ? "" : sentence(result as Failure));
  }

  async function copy(secret: string) {
    // As it is: apps refuse it in groups.
    const isCopied = await navigator.clipboard.writeText(secret).then(
      () => true,
      () => false,
    );
    setCopied(isCopied ? "Copied." : "Your browser does not let it be copied.");
  }

  return (
    <Card>
      {title}
      {!made && (
        <>
          <p>Any authenticator app does: from then on a login wants a code of it beside your password.</p>
          <button onClick={() => void begin()}>Show the code for the app</button>
        </>
      )}
      {!made && addPasskey && (
        <>
          <p>Or a passkey: it logs you in by a touch, without your password.</p>
          <AddPasskey add={addPasskey} done={done} />
        </>
      )}
      <div role="alert">{failed && <p className="error">{failed}</p>}</div>
      {made && (
        <>
          <p>Scan this with the app:</p>
          <img className="symbol" src={made.qr_code} width={232} height={232} alt="QR code for your authenticator app; the same is below as text" />
          <p>
            On this phone: <a href={made.otpauth_url}>open the app</a>. Or type this into it:
          </p>
          <p className="row">
            <code className="secret">{made.secret.match(/.{1,4}/g)?.join(" ")}</code>
            <button type="button" className="plain" onClick={() => void copy(made.secret)}>
              Copy
            </button>
          </p>
          <div role="status">{copied && <p className="hint">{copied}</p>}</div>
          <Form
            button="Confirm"
            send={async ({ code = "", enrolment_code = "" }) => {
              const result = await confirm(code, enrolment_code);
              if (result.ok) done(result.data.recovery_codes ?? null);
              else if (result.kind === "problem" && result.problem.code === "nothing_to_confirm") {
                // This secret is good no more.
                setMade(null);
                setFailed(sentence(result));
              }
              return result as { ok: true } | Failure;
            }}
          >
            {(errors) => (
              <>
                <AppCode error={errors["code"]} />
                {made.wants_enrolment_code && <EnrolmentCode error={errors["enrolment_code"]} />}
              </>
            )}
          </Form>
        </>
      )}
      <p>
        <button type="button" className="plain" onClick={cancel}>
          Not now
        </button>
      </p>
    </Card>
  );
}
