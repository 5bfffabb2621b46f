declare namespace App {
  interface Locals {
    auth: import("@doorward/client/server").AuthState;
  }
}
