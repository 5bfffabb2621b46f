import type { AuthState } from "@doorward/client/server";

declare global {
  namespace App {
    interface Locals {
      auth: AuthState;
    }
  }
}
