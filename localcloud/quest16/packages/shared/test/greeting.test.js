'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { greeting } = require('../src/greeting');

test('greets by name', () => {
  assert.strictEqual(greeting('Quest 16'), 'Hello, Quest 16');
});
