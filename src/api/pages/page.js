// Opening a link does nothing: scanners open all of them. The page posts its token when somebody says so.
"use strict";

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
history.replaceState(null, "", location.pathname);

const PAGES = {
  "/pages/reset": { title: "Set a new password", to: "/api/auth/password/reset", password: true },
  "/pages/not-me": { title: "It was not me: end all sessions", to: "/api/auth/not-me" },
};

addEventListener("DOMContentLoaded", () => {
  const page = PAGES[location.pathname];
  const at = (id) => document.getElementById(id);
  document.title = at("title").textContent = page.title;
  if (page.password) {
    at("fields").innerHTML =
      '<label for="password">New password</label><input id="password" type="password" autocomplete="new-password" required>';
  }
  at("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = page.password ? { token, new_password: at("password").value } : { token };
    try {
      const response = await fetch(page.to, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      const answer = await response.json();
      at("answer").textContent = answer.message ?? answer.detail;
      if (response.ok) at("form").remove();
    } catch {
      at("answer").textContent = "The service does not answer. Try again.";
    }
  });
});
