import type { PageServerLoad } from "./$types";

export const load: PageServerLoad = ({ locals }) => ({ auth: locals.auth });
