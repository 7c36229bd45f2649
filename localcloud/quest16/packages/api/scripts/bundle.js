'use strict';

// What the image is built from: the service and the shared package it needs, without anything that only builds them.
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const dist = path.join(root, 'dist');
fs.rmSync(dist, { recursive: true, force: true });
fs.cpSync(path.join(root, 'src'), path.join(dist, 'src'), { recursive: true });
fs.cpSync(path.join(root, '..', 'shared'), path.join(dist, 'node_modules', '@quest16', 'shared'), {
  recursive: true,
  filter: (source) => !source.includes(`${path.sep}test`),
});
fs.copyFileSync(path.join(root, 'Dockerfile'), path.join(dist, 'Dockerfile'));
