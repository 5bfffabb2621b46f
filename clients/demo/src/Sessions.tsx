import { useCallback, useEffect, useState } from "react";
import type { ReactNode } from "react";

import { sentence } from "@doorward/client";
import type { Session } from "@doorward/client";
import { useAuth } from "@doorward/client/react";

export function Sessions(): ReactNode {
  const { client } = useAuth();
  const [sessions, setSessions] = useState<readonly Session[]>([]);
  const [said, setSaid] = useState("");

  const load = useCallback(async () => {
    const result = await client.sessions();
    if (result.ok) setSessions(result.data.sessions);
    else setSaid(sentence(result));
  }, [client]);
  useEffect(() => void load(), [load]);

  async function end(session: Session) {
    const result = await client.endSession(session.id);
    setSaid(result.ok ? `${session.device} is logged out.` : sentence(result));
    if (!session.current) await load();
  }

  async function endAll() {
    const result = await client.logoutAll();
    if (!result.ok) setSaid(sentence(result));
  }

  return (
    <section className="card">
      <h1>Where you are logged in</h1>
      <ul className="sessions">
        {sessions.map((session) => (
          <li key={session.id}>
            <div>
              <strong>{session.device}</strong> {session.current && <span className="badge">this device</span>}{" "}
              {session.bound && <span className="badge">bound to its device</span>}
              <p className="hint">
                {session.ip ?? "unknown address"}, last used {new Date(session.last_used_at).toLocaleString()}
              </p>
            </div>
            <LogOut session={session} end={end} />
          </li>
        ))}
      </ul>
      <div role="status" aria-live="polite">
        {said && <p>{said}</p>}
      </div>
      <button className="danger" onClick={() => void endAll()}>
        Log out everywhere
      </button>
    </section>
  );
}

function LogOut({ session, end }: { session: Session; end: (session: Session) => Promise<void> }): ReactNode {
  const text = session.current ? "Log out here" : "Log out this device";
  return (
    <button className="plain" aria-label={`${text}: ${session.device}`} onClick={() => void end(session)}>
      {text}
    </button>
  );
}
