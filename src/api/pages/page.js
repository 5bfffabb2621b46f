// Opening a link does nothing: scanners open all of them. The page posts its token when somebody says so.
"use strict";

const fragment = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname);
// The next link, put into the address of the page that is open.
addEventListener("hashchange", () => location.reload());

const restores = fragment.has("restore");
const step = ["start", "cancel", "remove"].find((name) => fragment.has(name));
const token = fragment.get("token") ?? fragment.get("restore") ?? fragment.get(step) ?? "";
const STEPS = { start: "Begin the removal", cancel: "Stop the removal", remove: "Finish the removal" };
const PAGES = {
  "/pages/reset": { title: "Set a new password", to: "/api/auth/password/reset", password: "New password" },
  "/pages/not-me": { title: "It was not me: end all sessions", to: "/api/auth/not-me" },
  "/pages/verify": {
    title: "Confirm your address",
    to: "/api/auth/email/verify",
    password: "Password (not needed where you are logged in)",
    optional: true,
  },
  "/pages/email-change": restores
    ? { title: "Take your address back", to: "/api/auth/email/restore", password: "New password" }
    : { title: "Confirm your new address", to: "/api/auth/email/change/confirm" },
  "/pages/factor-recovery": { title: `${STEPS[step] ?? "Removal"} of the second factor`, to: "/api/auth/factor-recovery" },
};

addEventListener("DOMContentLoaded", () => {
  const page = PAGES[location.pathname];
  const at = (id) => document.getElementById(id);
  document.title = at("title").textContent = page.title;
  if (page.password) {
    at("fields").innerHTML =
      '<label for="password"></label><input id="password" type="password" autocomplete="new-password">';
    at("fields").firstChild.textContent = page.password;
    at("password").required = !page.optional;
  }
  at("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const password = page.password && at("password").value;
    try {
      const response = await fetch(page.to, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(password ? { token, new_password: password } : { token }),
      });
      const answer = await response.json();
      const wrong = answer.errors?.map((field) => field.message).join(" ");
      at("answer").textContent = answer.message ?? wrong ?? answer.detail ?? "Done";
      if (response.ok) at("form").remove();
    } catch {
      at("answer").textContent = "The service does not answer. Try again.";
    }
  });
});
