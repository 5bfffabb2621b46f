// Codes: typed in, and kept.

import { useState } from "react";
import type { ReactNode } from "react";

import { Card, Field } from "./forms";

type Values = Record<string, string>;

/** A code of the app, or a recovery code in its place. */
export function CodeField({
  isRecovery,
  setRecovery,
  errors,
  autoFocus = false,
}: {
  isRecovery: boolean;
  setRecovery: (is: boolean) => void;
  errors: Values;
  autoFocus?: boolean;
}): ReactNode {
  return (
    <>
      {isRecovery ? (
        <Field
          key="recovery"
          label="Recovery code"
          name="recovery_code"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus={autoFocus}
          error={errors["recovery_code"]}
        />
      ) : (
        <AppCode error={errors["code"]} autoFocus={autoFocus} />
      )}
      <button type="button" className="plain" onClick={() => setRecovery(!isRecovery)}>
        {isRecovery ? "Use the app" : "Use a recovery code"}
      </button>
    </>
  );
}

/** Six digits; a phone shows the keyboard for them. */
export function AppCode({ error, autoFocus = false }: { error: string | undefined; autoFocus?: boolean }): ReactNode {
  return (
    <Field
      label="Code"
      name="code"
      inputMode="numeric"
      autoComplete="one-time-code"
      hint="Six digits, as your authenticator app shows them."
      autoFocus={autoFocus}
      error={error}
    />
  );
}

/** What a form with one of the two says. */
export function codeOf({ code = "", recovery_code }: Values): { code: string } | { recovery_code: string } {
  return recovery_code === undefined ? { code } : { recovery_code };
}

/** Shown this once. */
export function RecoveryCodes({ codes, done }: { codes: readonly string[]; done: () => void }): ReactNode {
  const [kept, setKept] = useState(false);

  function download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${codes.join("\n")}\n`], { type: "text/plain" }));
    link.download = "recovery-codes.txt";
    link.click();
    URL.revokeObjectURL(link.href);
    setKept(true);
  }

  function print() {
    setKept(true);
    window.print();
  }

  return (
    <Card className="printed">
      <h1>Your recovery codes</h1>
      <p>Each opens your account once, beside your password, where the app is lost. They are shown this once: keep them where the phone is not.</p>
      <ol className="codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <p className="row">
        <button className="plain" onClick={download}>
          Download
        </button>
        <button className="plain" onClick={print}>
          Print
        </button>
        <button onClick={done}>{kept ? "Go on" : "I have written them down"}</button>
      </p>
    </Card>
  );
}
