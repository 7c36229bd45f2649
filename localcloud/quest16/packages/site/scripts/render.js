'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { pages } = require('../src/page');

const dist = path.join(__dirname, '..', 'dist');
fs.rmSync(dist, { recursive: true, force: true });
fs.mkdirSync(dist);
for (const [name, content] of Object.entries(pages())) {
  fs.writeFileSync(path.join(dist, name), content);
}
