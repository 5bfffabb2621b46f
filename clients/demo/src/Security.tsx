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
  const remove = () => act(factors.removeTotp, () => "The app is removed. Your password alone logs you in.");
  const makeCodes = () => act(factors.makeRecoveryCodes, ({ data }) => (setCodes(data.recovery_codes), ""));

  if (codes) return <RecoveryCodes codes={codes} done={() => setCodes(null)} />;
  if (isEnrolling) {
    return (
      <Enrol
        title={<h1>Your authenticator app</h1>}
        enrol={() => proved(factors.enrolTotp)}
        confirm={(code) => proved(() => factors.confirmTotp(code))}
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
          <p>You have logged in with a recovery code. If the phone is gone, set up another one, or remove it: then your password alone logs you in.</p>
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

function Factor({ list: { totp }, enrol, remove }: { list: List; enrol: () => void; remove: () => Promise<void> }): ReactNode {
  if (!totp) {
    return (
      <>
        <p>Your password alone logs you in. With an authenticator app nobody does who has learnt it.</p>
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
