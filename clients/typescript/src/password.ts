/** How many bytes a password may have: characters beyond ASCII take two to four. */
const MOST = 71;

/** How many bytes are left of those that a password may have; less than none: it is too long. */
export function passwordBytesLeft(password: string): number {
  return MOST - new TextEncoder().encode(password).length;
}
