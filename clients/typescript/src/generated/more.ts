// Generated from openapi/doorward.json by `npm run generate`. Do not edit.

/** As `operations`: what not every page pays for. */
export const more = {} as const;
