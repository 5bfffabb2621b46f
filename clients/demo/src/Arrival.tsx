import { createContext, useContext, useState } from "react";
import type { ReactNode } from "react";

/** What is told after a login by two steps, on the first page behind it: the page of the login is gone by then. */
export interface Arrival {
  readonly said?: string;
  /** It was by a recovery code: the app may be lost. */
  readonly byRecoveryCode?: boolean;
  /** An app was set up on the way in, and these came with it. */
  readonly recoveryCodes?: readonly string[];
}

const Context = createContext<{ arrival: Arrival; setArrival: (arrival: Arrival) => void }>({ arrival: {}, setArrival: () => {} });

export function ArrivalProvider({ children }: { children: ReactNode }): ReactNode {
  const [arrival, setArrival] = useState<Arrival>({});
  return <Context.Provider value={{ arrival, setArrival }}>{children}</Context.Provider>;
}

export const useArrival = () => useContext(Context);
