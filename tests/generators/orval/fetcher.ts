/** Where the service is, and whether cookies go along: orval asks for it by a function of one's own. */
export const service: { baseUrl: string; settings: RequestInit } = { baseUrl: "", settings: {} };

export async function fetcher<T>(url: string, init: RequestInit): Promise<T> {
  const response = await fetch(service.baseUrl + url, { ...init, ...service.settings });
  return { status: response.status, data: await response.json(), headers: response.headers } as T;
}
