'use strict';

const http = require('node:http');
const { greeting } = require('@quest16/shared');

/** A service that greets on `/` and says that it is well on `/health/`. */
function create(version) {
  return http.createServer((request, response) => {
    response.setHeader('X-Version', version);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(request.url === '/health/' ? { status: 'ok' } : { text: greeting('Quest 16') }));
  });
}

module.exports = { create };

if (require.main === module) {
  const server = create(process.env.VERSION || 'unnamed');
  process.on('SIGTERM', () => server.close(() => process.exit(0)));
  server.listen(Number(process.env.PORT || 8000));
}
