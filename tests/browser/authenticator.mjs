// An authenticator app that is none of ours, and a clock of the service's that stands still while a code of it is typed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { temporaryFolder } from "./ends.mjs";

/** `settings` for a service whose clock stands still until `pass`; `code` is what an app shows at that time. */
export function startClock(t) {
  const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib").map((name) => `/usr/lib/${name}/faketime`) : [];
  const library = folders.map((folder) => join(folder, "libfaketimeMT.so.1")).find((file) => existsSync(file));
  assert.ok(library, "libfaketime is missing: scripts/setup installs it");
  const file = join(temporaryFolder(t, "clock"), "now");
  let now = Math.floor(Date.now() / 1000);
  const shown = () => new Date(now * 1000).toISOString().slice(0, 19).replace("T", " ");
  const pass = (seconds) => {
    now += seconds;
    // Whole, or as it was.
    writeFileSync(`${file}.new`, `${shown()}\n`);
    renameSync(`${file}.new`, file);
  };
  pass(0);
  return {
    settings: { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1", FAKETIME_DONT_FAKE_MONOTONIC: "1", DONT_FAKE_MONOTONIC: "1", TZ: "UTC" },
    pass,
    /** A new one each time: a code is good once. */
    code(secret) {
      pass(30);
      return execFileSync("oathtool", ["--totp", "--base32", "--now", `${shown()} UTC`, secret], { encoding: "utf8" }).trim();
    },
  };
}

/** What is read from a picture of a symbol: by ZBar, and by OpenCV where it is installed (`scripts/authenticators` wants it). */
export function readSymbol(file) {
  const read = { zbarimg: execFileSync("zbarimg", ["--quiet", "--raw", file], { encoding: "utf8" }).trim() };
  const script = "import cv2, sys; print(cv2.QRCodeDetector().detectAndDecode(cv2.imread(sys.argv[1]))[0])";
  try {
    execFileSync("python3", ["-c", "import cv2"], { stdio: "ignore" });
  } catch (missing) {
    if (process.env.DOORWARD_TEST_OPENCV === "required") throw missing;
    return read;
  }
  return { ...read, OpenCV: execFileSync("python3", ["-c", script, file], { encoding: "utf8" }).trim() };
}
