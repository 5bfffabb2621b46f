import { useEffect, useId, useRef, useState } from "react";
import type { FormEvent, InputHTMLAttributes, ReactNode } from "react";

import { passwordBytesLeft, sentence } from "@doorward/client";
import type { Failure } from "@doorward/client";

type Values = Record<string, string>;
type Outcome = { readonly ok: true } | Failure;

/** A form that shows what the service says: beside the fields, above the button, and how long to wait. */
export function Form({
  button,
  danger = false,
  send,
  done,
  children,
}: {
  button: string;
  danger?: boolean;
  send: (values: Values) => Promise<Outcome>;
  done?: () => void;
  children: (errors: Values) => ReactNode;
}): ReactNode {
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const [wait, setWait] = useState(0);
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => {
    if (wait <= 0) return;
    const timer = setTimeout(() => setWait(wait - 1), 1_000);
    return () => clearTimeout(timer);
  }, [wait]);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    const outcome = await send(Object.fromEntries(new FormData(event.currentTarget)) as Values);
    setBusy(false);
    if (outcome.ok) {
      form.current?.reset();
      done?.();
      return;
    }
    setFailure(outcome);
    setWait(("retryAfter" in outcome && outcome.retryAfter) || 0);
  }

  // Where something is to be mended first.
  useEffect(() => {
    if (failure) (form.current?.querySelector<HTMLInputElement>("[aria-invalid]") ?? form.current?.querySelector("input"))?.focus();
  }, [failure]);

  const errors: Values = {};
  const problems = failure?.kind === "problem" ? (failure.problem.errors ?? []) : [];
  for (const { field, message } of problems) errors[field] = [errors[field], message].filter(Boolean).join(" ");
  // What belongs to a field stands there.
  const above = failure && problems.length === 0 ? sentence(failure) : "";
  return (
    <form ref={form} onSubmit={(event) => void submit(event)} noValidate>
      {children(errors)}
      <div role="alert">{above && <p className="error">{above}</p>}</div>
      <button disabled={busy || wait > 0} className={danger ? "danger" : undefined}>
        {wait > 0 ? `Again in ${wait} s` : button}
      </button>
    </form>
  );
}

/** A card that takes the place of another one: whoever goes on by keyboard or screen reader goes on there. */
export function Card({ className = "", children }: { className?: string; children: ReactNode }): ReactNode {
  const card = useRef<HTMLElement>(null);
  useEffect(() => card.current?.focus(), []);
  return (
    <section ref={card} tabIndex={-1} className={`card ${className}`}>
      {children}
    </section>
  );
}

/** An input with its label, and what is wrong with it. */
export function Field({
  label,
  error,
  hint,
  ...input
}: InputHTMLAttributes<HTMLInputElement> & { label: string; error: string | undefined; hint?: string }): ReactNode {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        {...input}
        aria-invalid={error ? true : undefined}
        aria-describedby={[hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined}
      />
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="error">
          {error}
        </p>
      )}
    </div>
  );
}

/** A new password, with what is left of its bytes where few are. */
export function NewPassword({ name, error }: { name: string; error: string | undefined }): ReactNode {
  const [left, setLeft] = useState(passwordBytesLeft(""));
  const room = left < 0 ? `${-left} bytes too long.` : left < 20 ? `${left} bytes left.` : "";
  return (
    <Field
      label="New password"
      name={name}
      type="password"
      autoComplete="new-password"
      hint={`At least 8 characters, with an upper-case letter, a lower-case letter and a digit. ${room}`}
      error={error}
      onChange={(event) => setLeft(passwordBytesLeft(event.currentTarget.value))}
    />
  );
}

/** What an account's first factor takes beside it. */
export function EnrolmentCode({ error, autoFocus = false }: { error: string | undefined; autoFocus?: boolean }): ReactNode {
  return (
    <Field
      label="Mailed code"
      name="enrolment_code"
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
      hint="We have mailed it to your address; or an operator has given it to you."
      autoFocus={autoFocus}
      error={error}
    />
  );
}
