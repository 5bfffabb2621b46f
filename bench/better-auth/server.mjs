// better-auth as its documentation sets it up: node:http, SQLite in WAL, email and password. Its session cookie cache is on, so that asking
// who is logged in reads no row; its rate limit is off, as Doorward's is in the same run. Prints its port.
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import Database from "better-sqlite3";

const database = new Database(process.env.DATABASE_FILE);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");

const options = {
  database,
  baseURL: "http://127.0.0.1",
  secret: randomBytes(32).toString("hex"),
  emailAndPassword: { enabled: true },
  session: { cookieCache: { enabled: true, maxAge: 3600 } },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  advanced: { disableCSRFCheck: true },
};
await (await getMigrations(options)).runMigrations();
const server = createServer(toNodeHandler(betterAuth(options)));
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
