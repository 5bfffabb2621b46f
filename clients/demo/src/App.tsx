import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";

import type { LostCode } from "@doorward/client";
import { useAuth } from "@doorward/client/react";

import { useArrival } from "./Arrival";
import { RecoveryCodes } from "./Codes";
import { Home } from "./Home";
import { Correct, Forgot, Login, Register } from "./Doors";
import { Password, YourData } from "./Account";
import { Email } from "./Email";
import { LinkPage } from "./Links";
import { link } from "./link";
import { Security } from "./Security";
import { Sessions } from "./Sessions";

const PAGES = {
  "#/": { title: "Home", page: <Home /> },
  "#/sessions": { title: "Devices", page: <Sessions /> },
  "#/email": { title: "Address", page: <Email /> },
  "#/security": { title: "Two steps", page: <Security /> },
  "#/password": { title: "Password", page: <Password /> },
  "#/data": { title: "Your data", page: <YourData /> },
};

/** Why a session ended that nobody ended here, for people. */
const LOST: Record<LostCode, string> = {
  session_expired: "You were away for a while. Please log in again.",
  session_ended: "You logged out in another window.",
  session_revoked: "Your session was ended, on another device or by a change of your password. Please log in again.",
  device_binding_required: "This browser can't bind your session to this device, which is required here.",
  device_proof_required: "Your session is bound to another device. Log in.",
  session_reuse_detected: "Somebody else may have used your session, so it was ended. Log in, and change your password.",
  not_authenticated: "You are not logged in any more. Please log in again.",
};

export function App(): ReactNode {
  const { status, user, lost, error, logout, retry } = useAuth();
  const { arrival, setArrival } = useArrival();
  const hash = useHash();
  const main = useRef<HTMLElement>(null);
  const shown = status === "authenticated" ? (hash in PAGES ? (hash as keyof typeof PAGES) : "#/") : hash;

  // It is of the person who was there.
  useEffect(() => {
    if (status === "anonymous") setArrival({});
  }, [status, setArrival]);

  // Whoever goes on by keyboard or screen reader begins at the new page.
  useEffect(() => main.current?.focus(), [shown, status]);

  return (
    <>
      <header>
        <strong>Doorward demo</strong>
        {user && (
          <nav aria-label="Pages">
            {Object.entries(PAGES).map(([address, { title }]) => (
              <a key={address} href={`/${address}`} onClick={() => setArrival({})} aria-current={!link && address === shown ? "page" : undefined}>
                {title}
              </a>
            ))}
            <button className="plain" onClick={() => void logout()}>
              Log out
            </button>
          </nav>
        )}
      </header>
      <main ref={main} tabIndex={-1}>
        <div role="status" aria-live="polite">
          {status === "anonymous" && lost && <p className="notice">{LOST[lost]}</p>}
          {user && arrival.said && <p className="notice">{arrival.said}</p>}
        </div>
        {status === "unknown" && <p>One moment…</p>}
        {link && (user || status === "anonymous") && <LinkPage link={link} />}
        {!link && user && !arrival.recoveryCodes && PAGES[shown as keyof typeof PAGES].page}
        {user && arrival.recoveryCodes && <RecoveryCodes codes={arrival.recoveryCodes} done={() => setArrival({})} />}
        {!link && status === "anonymous" && <Door hash={hash} />}
        {status === "unavailable" && (
          <section className="card">
            <h1>One moment, please</h1>
            <p role="alert">{error}</p>
            <button onClick={() => void retry()}>Try again</button>
          </section>
        )}
      </main>
    </>
  );
}

function Door({ hash }: { hash: string }): ReactNode {
  if (hash === "#/forgot") return <Forgot />;
  if (hash === "#/correct") return <Correct />;
  return hash === "#/register" ? <Register /> : <Login />;
}

function useHash(): string {
  const [hash, setHash] = useState(location.hash || "#/");
  useEffect(() => {
    const changed = () => setHash(location.hash || "#/");
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return hash;
}
