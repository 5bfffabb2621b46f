import { useState } from "react";
import type { ReactNode } from "react";

import { sentence } from "@doorward/client";
import type { Failure } from "@doorward/client";
import { usePasskeys } from "@doorward/client/react/factors";
import type { Factors, Passkeys as ByPasskey } from "@doorward/client/react/factors";

import { EnrolmentCode, Field, Form } from "./forms";
import { useProof } from "./Proof";

type Listed = Extract<Awaited<ReturnType<Factors["list"]>>, { ok: true }>["data"]["passkeys"];
type Touched = { readonly ok: boolean; readonly kind?: string };

/** What to tell of a passkey that came to nothing. Who has closed the dialog knows it. */
export function told(result: Touched): string {
  if (result.ok || result.kind === "cancelled") return "";
  if (result.kind === "exists") return "This device has a passkey of yours already.";
  return result.kind === "browser" ? "Your browser could not do that here." : sentence(result as Failure);
}

/** One button, and what came of it. */
export function PasskeyButton({ text, touch }: { text: string; touch: () => Promise<Touched> }): ReactNode {
  const [failed, setFailed] = useState("");
  return (
    <>
      <button type="button" className="plain" onClick={() => void touch().then((result) => setFailed(told(result)))}>
        {text}
      </button>
      <div role="alert">{failed && <p className="error">{failed}</p>}</div>
    </>
  );
}

/** A new one: its name, what the browser asks, and the code that was mailed where it takes one. */
export function AddPasskey({
  add,
  done,
}: {
  add: ByPasskey["add"];
  done: (recoveryCodes: readonly string[] | null) => void;
}): ReactNode {
  /** What waits for the code, and how often one was wrong. */
  const [waits, setWaits] = useState<{ tell: (code: string | null) => void; wrong: number } | null>(null);

  async function send({ name = "" }: Record<string, string>) {
    let asked = 0;
    const code = () => new Promise<string | null>((tell) => setWaits({ tell, wrong: asked++ }));
    const result = await add(name, code);
    setWaits(null);
    if (result.ok) {
      done("recovery_codes" in result.data ? (result.data.recovery_codes ?? null) : null);
      return { ok: true } as const;
    }
    const problem = { code: result.kind, detail: told(result) };
    return (result.kind === "problem" ? result : { ok: false, kind: "problem", status: 0, problem }) as Failure;
  }

  return (
    <>
      {waits && (
        <Form
          key={waits.wrong}
          button="Go on"
          send={async ({ enrolment_code = "" }) => {
            waits.tell(enrolment_code);
            return { ok: true } as const;
          }}
        >
          {() => <EnrolmentCode error={waits.wrong ? "That was not the code." : undefined} autoFocus />}
        </Form>
      )}
      <Form button="Add a passkey" send={send}>
        {(errors) => <Field label="Its name" name="name" defaultValue="This device" error={errors["name"]} />}
      </Form>
    </>
  );
}

/** The passkeys of whoever is logged in. */
export function Passkeys({
  passkeys,
  done,
}: {
  passkeys: Listed;
  done: (said: string, recoveryCodes?: readonly string[] | null) => Promise<void>;
}): ReactNode {
  const by = usePasskeys();
  const proved = useProof();
  const [isNaming, setNaming] = useState("");

  async function remove(id: string) {
    const result = await proved(() => by.remove(id));
    await done(result.ok ? "The passkey is removed." : told(result));
  }

  return (
    <section className="card">
      <h2>Passkeys</h2>
      <p className="hint">A passkey logs you in by a touch, without your password.</p>
      <ul className="sessions">
        {passkeys.map(({ id, name, synced, last_used_at }) => (
          <li key={id}>
            {isNaming === id ? (
              <Form
                button="Save"
                send={({ name = "" }) => proved(() => by.rename(id, name))}
                done={() => {
                  setNaming("");
                  void done("The passkey has its name.");
                }}
              >
                {(errors) => <Field label={`Name of ${name}`} name="name" defaultValue={name} autoFocus error={errors["name"]} />}
              </Form>
            ) : (
              <div>
                <strong>{name}</strong> {synced && <span className="badge">on your other devices too</span>}
                <p className="hint">{last_used_at ? `last used ${new Date(last_used_at).toLocaleString()}` : "not used yet"}</p>
              </div>
            )}
            <p className="row">
              {isNaming !== id && (
                <button className="plain" aria-label={`Rename: ${name}`} onClick={() => setNaming(id)}>
                  Rename
                </button>
              )}
              <button className="danger" aria-label={`Remove: ${name}`} onClick={() => void remove(id)}>
                Remove
              </button>
            </p>
          </li>
        ))}
      </ul>
      <AddPasskey
        add={(name, code) => proved(() => by.add(name, code))}
        done={(recoveryCodes) => void done("The passkey is added.", recoveryCodes)}
      />
    </section>
  );
}
