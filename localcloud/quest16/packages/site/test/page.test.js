'use strict';

const assert = require('node:assert');
const test = require('node:test');
const { pages } = require('../src/page');

test('the first page greets', () => {
  assert.match(pages()['index.html'], /Hello, Quest 16/);
});

test('the first page finds its style', () => {
  assert.ok('style.css' in pages());
});
