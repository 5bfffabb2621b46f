// First of all: it takes a token out of the address.
import "./link";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { createAuthClient } from "@doorward/client";
import { AuthProvider } from "@doorward/client/react";

import { App } from "./App";
import { ArrivalProvider } from "./Arrival";
import { ProofProvider } from "./Proof";
import "./style.css";

// Another origin, by CORS; or with VITE_DOORWARD_URL= this one, by Vite's proxy.
const client = createAuthClient({ baseUrl: import.meta.env["VITE_DOORWARD_URL"] ?? "http://localhost:8000" });

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <AuthProvider client={client}>
      <ArrivalProvider>
        <ProofProvider>
          <App />
        </ProofProvider>
      </ArrivalProvider>
    </AuthProvider>
  </StrictMode>,
);
