// Signs a token: header, claims and private key come in as JSON, the token goes out.

import { readFileSync } from "node:fs";
import { SignJWT, importPKCS8 } from "jose";

const [header, claims, pem] = JSON.parse(readFileSync(0, "utf8"));
const key = await importPKCS8(pem, "ES256");
process.stdout.write(await new SignJWT(claims).setProtectedHeader({ ...header, alg: "ES256" }).sign(key));
