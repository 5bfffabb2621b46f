export default {
  doorward: {
    input: "./doorward.json",
    output: { target: "client/client.ts", client: "fetch", override: { mutator: { path: "./fetcher.ts", name: "fetcher" } } },
  },
};
