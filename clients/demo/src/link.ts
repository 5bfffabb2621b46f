/**
 * The link of a mail that led here, if one did. Imported before anything else, so that its token is out of the address before other
 * scripts run: it stands neither in the history nor in what they report.
 */
const PAGES = ["/reset", "/verify", "/email", "/not-me", "/factor-recovery"] as const;

/** What stands before the token: `restore` takes an old address back, and the last three are of lost factors. */
const WORDS = ["token", "restore", "start", "cancel", "remove"] as const;

export interface Link {
  readonly page: (typeof PAGES)[number];
  readonly word: (typeof WORDS)[number];
  /** Empty: the page was loaded again, or typed. */
  readonly token: string;
}

function take(): Link | null {
  const page = PAGES.find((path) => path === location.pathname);
  const words = new URLSearchParams(location.hash.slice(1));
  if (!page || words.size === 0) return page ? { page, word: "token", token: "" } : null;
  history.replaceState(null, "", page);
  const word = WORDS.find((name) => words.has(name)) ?? "token";
  return { page, word, token: words.get(word) ?? "" };
}

export const link = take();

// The next link, put into the address of the page that is open.
addEventListener("hashchange", () => {
  if (link && location.hash) location.reload();
});
