module.exports = { schemaFile: "./doorward.json", apiFile: "./base.ts", apiImport: "base", outputFile: "./client/client.ts", exportName: "client" };
