'use strict';

// A package that others include has nothing to translate: its build proves that it loads.
const path = require('node:path');

const { main } = require(path.join(process.cwd(), 'package.json'));
require(path.join(process.cwd(), main));
