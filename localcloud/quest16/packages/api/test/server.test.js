'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { create } = require('../src/server');

test('says that it is well', async () => {
  const server = create('v0').listen(0);
  try {
    const answer = await fetch(`http://127.0.0.1:${server.address().port}/health/`);
    assert.deepStrictEqual(await answer.json(), { status: 'ok' });
    assert.strictEqual(answer.headers.get('x-version'), 'v0');
  } finally {
    server.close();
  }
});
