/**
 * The link of a mail that led here, if one did. Imported before anything else, so that its token is out of the address before other
 * scripts run: it stands neither in the history nor in what they report.
 */
const PAGES = ["/reset", "/verify", "/email", "/not-me"] as const;

export interface Link {
  readonly page: (typeof PAGES)[number];
  /** Empty: the page was loaded again, or typed. */
  readonly token: string;
  /** It takes an old address back: `EMAIL_CHANGE_URL#restore=..`, not `#token=..`. */
  readonly restores: boolean;
}

function take(): Link | null {
  const page = PAGES.find((path) => path === location.pathname);
  const words = new URLSearchParams(location.hash.slice(1));
  if (!page || words.size === 0) return page ? { page, token: "", restores: false } : null;
  history.replaceState(null, "", page);
  return { page, token: words.get("token") ?? words.get("restore") ?? "", restores: words.has("restore") };
}

export const link = take();

// The next link, put into the address of the page that is open.
addEventListener("hashchange", () => {
  if (link && location.hash) location.reload();
});
