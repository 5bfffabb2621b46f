//! The TypeScript client as one script, for pages without a build step: `import { createAuthClient } from ".../client.js"`.

use super::assets::File;

/// Where it is. The one path under `/api/` that browsers may keep: it is the same for everybody.
pub const PATH: &str = "/api/auth/client.js";

/// Made by `npm run build` in clients/typescript, which fails in the tests when it would make another one.
const SCRIPT: &str = include_str!("client/client.js");

/// The file.
#[must_use]
pub fn file() -> File {
    File::script(PATH, || SCRIPT)
}
