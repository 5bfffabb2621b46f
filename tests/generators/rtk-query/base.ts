import { createApi, fetchBaseQuery } from "@reduxjs/toolkit/query";

export const service: { baseUrl: string; settings: { credentials?: RequestCredentials } } = { baseUrl: "", settings: {} };

export const base = createApi({
  baseQuery: (request, api, extra) => fetchBaseQuery({ baseUrl: service.baseUrl, ...service.settings })(request, api, extra),
  endpoints: () => ({}),
});
