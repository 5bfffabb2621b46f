import { useCallback, useEffect, useState } from "react";
import type { ReactNode } from "react";

import { sentence } from "@doorward/client";
import type { Failure } from "@doorward/client";
import { useFactors } from "@doorward/client/react/factors";
import type { Factors } from "@doorward/client/react/factors";

import { useArrival } from "./Arrival";
import { RecoveryCodes } from "./Codes";
import { Enrol } from "./Enrol";
import { Card } from "./forms";
import { Passkeys } from "./Passkeys";
import { useProof } from "./Proof";

type List = Extract<Awaited<ReturnType<Factors["list"]>>, { ok: true }>["data"];
type Outcome = { readonly ok: boolean };

/** What somebody has beside the password. */
export function Security(): ReactNode {
  const factors = useFactors();
  const proved = useProof();
  const { arrival, setArrival } = useArrival();
  const [list, setList] = useState<List | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [isEnrolling, setEnrolling] = useState(false);
  const [said, setSaid] = useState("");

  const load = useCallback(async () => {
    const result = await factors.list();
    if (result.ok) setList(result.data);
    else setSaid(sentence(result as Failure));
  }, [factors]);
  useEffect(() => void load(), [load]);

  async function act<R extends Outcome>(what: () => Promise<R>, success: (result: Extract<R, { ok: true }>) => string) {
    const result = await proved(what);
    setSaid(result.ok ? success(result as Extract<R, { ok: true }>) : sentence(result as unknown as Failure));
    await load();
  }
  const remove = () => act(factors.removeTotp, () => "The app is removed.");
  const makeCodes = () => act(factors.makeRecoveryCodes, ({ data }) => (setCodes(data.recovery_codes), ""));

  if (codes) return <RecoveryCodes codes={codes} done={() => setCodes(null)} />;
  if (isEnrolling) {
    return (
      <Enrol
        title={<h1>Your authenticator app</h1>}
        enrol={() => proved(factors.enrolTotp)}
        confirm={(...codes) => proved(() => factors.confirmTotp(...codes))}
        done={(made) => {
          setEnrolling(false);
          setCodes(made);
          setArrival({});
          setSaid("The app is set up.");
          void load();
        }}
        cancel={() => setEnrolling(false)}
      />
    );
  }
  return (
    <>
      {list?.totp && arrival.byRecoveryCode && (
        <section className="card">
          <h2>Have you lost the app?</h2>
          <p>You have logged in with a recovery code. If the phone is gone, set up another one, or remove it.</p>
          <p className="row">
            <button onClick={() => setEnrolling(true)}>Set up another app</button>
            <button className="danger" onClick={() => void remove()}>
              Remove the lost app
            </button>
            <button className="plain" onClick={() => setArrival({})}>
              I have it still
            </button>
          </p>
        </section>
      )}
      <Card>
        <h1>Two steps</h1>
        <div role="status" aria-live="polite">
          {said && <p className="notice">{said}</p>}
        </div>
        {list && <Factor list={list} enrol={() => setEnrolling(true)} remove={remove} />}
      </Card>
      {list && (
        <Passkeys
          passkeys={list.passkeys}
          done={async (said, made = null) => {
            setSaid(said);
            setCodes(made);
            await load();
          }}
        />
      )}
      {list?.recovery_codes && (
        <section className="card">
          <h2>Recovery codes</h2>
          <p>
            {list.recovery_codes.left} of them are good still. They are of {new Date(list.recovery_codes.made_at).toLocaleDateString()}.
          </p>
          <button className="plain" onClick={() => void makeCodes()}>
            Make new ones
          </button>
        </section>
      )}
    </>
  );
}

function Factor({ list: { totp, passkeys }, enrol, remove }: { list: List; enrol: () => void; remove: () => Promise<void> }): ReactNode {
  if (!totp) {
    return (
      <>
        <p>
          {passkeys.length ? "You have a passkey, and no authenticator app." : "Your password alone logs you in. With an authenticator app or a passkey nobody does who has learnt it."}
        </p>
        <button onClick={enrol}>Set up an app</button>
      </>
    );
  }
  return (
    <>
      <p>
        Your <strong>authenticator app</strong> was set up {new Date(totp.since).toLocaleDateString()}, and used last{" "}
        {new Date(totp.last_used_at).toLocaleString()}.
      </p>
      <p className="row">
        <button className="plain" onClick={enrol}>
          Another app
        </button>
        <button className="danger" onClick={() => void remove()}>
          Remove
        </button>
      </p>
    </>
  );
}
