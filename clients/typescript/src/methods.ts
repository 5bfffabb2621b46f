import type { Problem } from "./result.js";

/** How a factor is proved. More may come: what a page does not know it leaves out. */
export type Method = Extract<Problem<"login">, { code: "second_factor_required" }>["methods"][number];

/** By what it must be proved once more who asks, where a result says so (`reauthentication_required`); else null. */
export function wantedProof(result: { readonly ok: boolean }): readonly Method[] | null {
  const { problem } = result as { readonly problem?: { readonly code: string; readonly methods: readonly Method[] } };
  return problem?.code === "reauthentication_required" ? problem.methods : null;
}
