import { createContext, useContext, useLayoutEffect, useRef, useState } from "react";
import type { ReactNode } from "react";

import { useRecentProof } from "@doorward/client/react/factors";
import type { RecentProof } from "@doorward/client/react/factors";

import { CodeField, codeOf } from "./Codes";
import { Field, Form } from "./forms";
import { PasskeyButton } from "./Passkeys";

const Context = createContext<RecentProof["run"]>((what) => what());

/** Does something, and asks for a proof first where one is wanted. */
export const useProof = () => useContext(Context);

/** Asks for a proof whatever page wants one. */
export function ProofProvider({ children }: { children: ReactNode }): ReactNode {
  const proof = useRecentProof();
  return (
    <Context.Provider value={proof.run}>
      {children}
      {proof.wanted && <Dialog proof={proof} methods={proof.wanted} />}
    </Context.Provider>
  );
}

function Dialog({ proof, methods }: { proof: RecentProof; methods: NonNullable<RecentProof["wanted"]> }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isRecovery, setRecovery] = useState(false);
  // The browser keeps the keyboard inside, and gives the focus back.
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const needsCode = methods.includes("totp") || methods.includes("recovery_code");
  return (
    <dialog
      ref={dialog}
      aria-labelledby="proof-title"
      onCancel={(event) => {
        event.preventDefault();
        proof.cancel();
      }}
    >
      <h2 id="proof-title">Is it you?</h2>
      <p className="hint">This wants a proof that is not older than ten minutes.</p>
      <Form button="Go on" send={({ password = "", ...rest }) => proof.prove({ password, ...(needsCode && codeOf(rest)) })}>
        {(errors) => (
          <>
            <Field label="Your password" name="password" type="password" autoComplete="current-password" error={errors["password"]} />
            {needsCode && <CodeField isRecovery={isRecovery} setRecovery={setRecovery} errors={errors} />}
          </>
        )}
      </Form>
      {methods.includes("passkey") && <PasskeyButton text="Use a passkey" touch={proof.proveByPasskey} />}
      <p>
        <button type="button" className="plain" onClick={proof.cancel}>
          Not now
        </button>
      </p>
    </dialog>
  );
}
