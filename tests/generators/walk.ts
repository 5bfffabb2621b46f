// What every generated client is asked to do, in a page of another origin. Each folder has a `calls` that does it as the generator means it.

export interface Credentials {
  email: string;
  password: string;
}
/** The code of a refusal, or "ok" with the person's email where the answer has one. */
export interface Answer {
  readonly said: string;
  readonly email?: string;
}
export interface Calls {
  register(person: Credentials): Promise<Answer>;
  login(person: Credentials): Promise<Answer>;
  me(): Promise<Answer>;
}
/** `baseUrl`, and `credentials` where they are to be sent. */
export type MakeCalls = (baseUrl: string, settings: { credentials?: RequestCredentials }) => Calls;

/** What a success is told as: a person's email, where it has one. */
export const ok = (data: object | undefined): Answer => (data && "email" in data && typeof data.email === "string" ? { said: "ok", email: data.email } : { said: "ok" });

export async function walk(calls: Calls, person: Credentials): Promise<Record<string, Answer>> {
  const register = await calls.register(person);
  const weak = await calls.register({ email: "weak@example.com", password: "short" });
  const nobody = await calls.me();
  const login = await calls.login(person);
  const me = await calls.me();
  const wrong = await calls.login({ ...person, password: "WrongPass123" });
  let throttled = wrong;
  for (let attempt = 0; attempt < 10 && throttled.said === wrong.said; attempt++) {
    throttled = await calls.login({ ...person, password: "WrongPass123" });
  }
  return { register, weak, nobody, login, me, wrong, throttled };
}
