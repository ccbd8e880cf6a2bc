// Loaded before an example seller (node --require): its business, and @adcp/sdk's own A2A adapter in place of MCP. The
// examples know MCP only; the adapter speaks to the same server object.
'use strict';

const Module = require('node:module');

const installed = Module.createRequire(`${process.cwd()}/`);
const load = Module._load;
Module._load = function loadWithA2A(request, ...rest) {
  const found = load.call(this, request, ...rest);
  return request === '@adcp/sdk/server' ? { ...found, serve: (make, options) => serve(found, make, options) } : found;
};

function serve(sdk, make, options) {
  const app = installed('express')();
  const adapter = sdk.createA2AAdapter({
    server: make({ host: '127.0.0.1' }),
    agentCard: { name: 'Example', description: 'An example seller', url: 'http://127.0.0.1/a2a', version: '1.0.0' },
    authenticate: async (request) => {
      const known = await options.authenticate(request);
      return known && { token: known.token, clientId: known.principal, scopes: known.scopes ?? [] };
    },
  });
  adapter.mount(app, { basePath: '/a2a' });
  return app.listen(options.port);
}
