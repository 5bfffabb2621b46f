import { createContext } from "react-router";

import type { AuthState } from "@doorward/client/server";

/** Who asks for the page; root.tsx finds out. */
export const authContext = createContext<AuthState>();
