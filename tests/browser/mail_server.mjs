// A mail server that takes whatever comes, for services that send by SMTP.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

import { atEnd } from "./ends.mjs";

const ANSWERS = { DATA: "354 Go on", QUIT: "221 Bye" };

/** `settings` for a service that sends by it; `mail` waits for one whose subject begins so, and gives its address and text. */
export async function startMailServer(t) {
  const mails = [];
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    let unread = "";
    /** Those of the mail that is coming. */
    let lines = null;
    const answer = (line) => {
      if (lines && line !== ".") return void lines.push(line.replace(/^\./, ""));
      const command = line.slice(0, 4).toUpperCase();
      if (lines) mails.push(lines.join("\n"));
      lines = command === "DATA" ? [] : null;
      socket.write(`${ANSWERS[command] ?? "250 Yes"}\r\n`);
    };
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      const whole = (unread + text).split("\r\n");
      unread = whole.pop();
      whole.forEach(answer);
    });
    // Whoever sends may end.
    socket.on("error", () => {});
    socket.write("220 Welcome\r\n");
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  atEnd(t, () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  });
  const settings = { SMTP_HOST: "127.0.0.1", SMTP_PORT: `${server.address().port}`, SMTP_TLS: "none", MAIL_FROM: "auth@example.com" };
  const mail = async (subject) => {
    for (let tries = 0; tries < 1_000; tries++) {
      const at = mails.findIndex((text) => text.split("\n").some((line) => line.startsWith(`Subject: ${subject}`)));
      if (at >= 0) {
        const [text] = mails.splice(at, 1);
        return { to: /^To: (.*)$/m.exec(text)[1], text };
      }
      await wait(20);
    }
    assert.fail(`no mail: ${subject}`);
  };
  return { settings, mail };
}
